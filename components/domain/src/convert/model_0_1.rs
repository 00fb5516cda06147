//! Conversions between the model interfaces of 0.1.0 and those of now, for models and
//! middleware that were built with the former: nothing that 0.1.0 does not know reaches
//! them, and what they do not say of an answer is not guessed.

/// Implements `From` between two modules generated from `model-types`, that of 0.1.0 and
/// that of now, in the directions that models and middleware need.
#[macro_export]
macro_rules! model_conversions {
    ($old:ident, $now:ident) => {
        $crate::model_records! { $old, $now
            Request {
                task_id, prompt, strength, logo_description, theme_description, media_type,
                length, source_url, receipt, time_left, receipt_key, image;
                seed, options, mask
            }
            Unavailable { reason, retry_after, is_rate_limit }
        }

        impl From<$old::Answer> for $now::Answer {
            fn from(answer: $old::Answer) -> Self {
                let (image, notes) = match answer {
                    $old::Answer::Image(image) => {
                        let $old::Image {
                            media_type,
                            length,
                            contents,
                            notes,
                        } = image;
                        let image = $now::Image {
                            media_type,
                            length,
                            contents,
                        };
                        ($now::ImageOrLocation::Image(image), notes)
                    }
                    $old::Answer::Location(url) => {
                        ($now::ImageOrLocation::Location(url), Vec::new())
                    }
                };
                Self {
                    image,
                    notes,
                    source: $now::Source::Generative,
                }
            }
        }

        impl From<$now::Answer> for $old::Answer {
            fn from(answer: $now::Answer) -> Self {
                let $now::Answer {
                    image,
                    notes,
                    source: _,
                } = answer;
                match image {
                    $now::ImageOrLocation::Image(image) => {
                        let $now::Image {
                            media_type,
                            length,
                            contents,
                        } = image;
                        Self::Image($old::Image {
                            media_type,
                            length,
                            contents,
                            notes,
                        })
                    }
                    $now::ImageOrLocation::Location(url) => Self::Location(url),
                }
            }
        }

        impl From<$old::Error> for $now::Error {
            fn from(error: $old::Error) -> Self {
                match error {
                    $old::Error::Unavailable(unavailable) => Self::Unavailable(unavailable.into()),
                    $old::Error::Unknown(reason) => Self::Unknown(reason),
                    $old::Error::Refused(reason) => Self::Refused(reason),
                    $old::Error::Unauthorized(reason) => Self::Unauthorized(reason),
                }
            }
        }

        impl From<$now::LinkError> for $old::LinkError {
            fn from(error: $now::LinkError) -> Self {
                match error {
                    $now::LinkError::Unavailable(unavailable) => {
                        Self::Unavailable(unavailable.into())
                    }
                    $now::LinkError::Unknown(reason) => Self::Unknown(reason),
                    $now::LinkError::Refused(reason) => Self::Refused(reason),
                    $now::LinkError::Unauthorized(reason) => Self::Unauthorized(reason),
                    $now::LinkError::Broken(reason) => Self::Broken(reason),
                }
            }
        }
    };
}

/// Fields behind a semicolon are new since 0.1.0: they are left out in one direction, and
/// empty in the other.
#[doc(hidden)]
#[macro_export]
macro_rules! model_records {
    ($old:ident, $now:ident $($name:ident { $($field:ident),* $(; $($new:ident),*)? })*) => { $(
        impl From<$old::$name> for $now::$name {
            fn from(record: $old::$name) -> Self {
                let $old::$name { $($field),* } = record;
                Self { $($field,)* $($($new: ::core::default::Default::default(),)*)? }
            }
        }

        impl From<$now::$name> for $old::$name {
            fn from(record: $now::$name) -> Self {
                let $now::$name { $($field,)* $($($new: _,)*)? } = record;
                Self { $($field),* }
            }
        }
    )* };
}
