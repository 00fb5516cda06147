//! Calls that cost money: how they begin, their receipts, and what they cost.

use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::payment::{
    MAX_RECEIPT, NOT_ASKED_TWICE, Usage, keyed_call, receipt_key,
};

use super::*;
use crate::payments::Beginning;

/// What names a link's call for a task that is claimed by now.
fn claimed_key(id: &str) -> String {
    NOW.set(NOW.get() + 60_000_000);
    let claimed = alone(store().claim(id, None)).unwrap().unwrap();
    format!("{}/fast", receipt_key(&claimed.lease))
}

/// How a call begins: the key by which it keeps a receipt, what an earlier one kept, and
/// whether it is counted. None: nobody is to be asked twice.
pub(super) fn begun(key: &str) -> Option<(String, Option<Vec<u8>>, bool)> {
    match alone(store().begin_call(key, None)).unwrap() {
        Beginning::NotTwice => None,
        Beginning::MayLeave {
            receipt,
            receipt_key,
            is_counted,
        } => Some((receipt_key, receipt, is_counted)),
    }
}

fn keep(key: &str, receipt: &[u8]) -> Result<(), Fault> {
    alone(store().keep_receipt(key, receipt))
}

#[test]
fn a_call_is_counted_and_goes_on_by_its_receipt() {
    fresh();
    let id = accepted(1);
    let first = claimed_key(&id);
    let (sealed, receipt, is_counted) = begun(&first).unwrap();
    assert_eq!((receipt, is_counted), (None, true));
    alone(store().call_not_accepted(&first)).unwrap();
    assert!(begun(&first).unwrap().2);
    IS_NEVER.set(true);
    assert_eq!(begun(&first), None);
    keep(&sealed, b"work").unwrap();

    let second = claimed_key(&id);
    let going_on = begun(&second).unwrap();
    let sealed = &going_on.0;
    assert_eq!(going_on.1.as_deref(), Some(&b"work"[..]));
    assert!(!going_on.2);
    let given_up = keep(sealed, b"");
    assert!(matches!(given_up, Err(Fault::Invalid(NOT_ASKED_TWICE))));
    IS_NEVER.set(false);
    let (other, receipt, is_counted) = begun(&second.replace("fast", "good")).unwrap();
    assert_eq!((receipt, is_counted), (None, true));
    keep(&other, b"more").unwrap();
    assert_eq!(begun(&second).unwrap(), going_on);

    keep(sealed, b"").unwrap();
    let (_, receipt, is_counted) = begun(&second).unwrap();
    assert_eq!((receipt, is_counted), (None, true));
}

/// A model may be foreign code, which knows the id of each task that it had.
#[test]
fn a_receipt_is_kept_by_its_own_call_alone() {
    fresh();
    let id = accepted(1);
    let lost = begun(&claimed_key(&id)).unwrap().0;
    let call = claimed_key(&id);
    let sealed = begun(&call).unwrap().0;
    let too_large = vec![0; MAX_RECEIPT + 1];
    let (_, code) = sealed.rsplit_once('/').unwrap();
    let others = call.replace("fast", "good");
    let of_link = format!("{others}/{code}");
    let of_task = format!("6f1c/1/fast/{code}");
    for (name, key, receipt) in [
        ("a lost lease", lost.as_str(), &b"late"[..]),
        ("no key", "", b""),
        ("what it is made of", &call, b"x"),
        ("another link's", &others, b"x"),
        ("another link's with its code", &of_link, b"x"),
        ("another task's with its code", &of_task, b"x"),
        ("too large", &sealed, &too_large),
    ] {
        let kept = keep(key, receipt);
        assert!(matches!(kept, Err(Fault::Invalid(_))), "{name}: {kept:?}");
        if key != sealed {
            let added = alone(store().add_usage(key, &Usage::default()));
            assert!(matches!(added, Err(Fault::Invalid(_))), "{name}: {added:?}");
        }
    }
    assert_eq!(begun(&call).unwrap().1, None);
}

#[test]
fn what_calls_cost_adds_up() {
    fresh();
    let id = accepted(1);
    let usage = Usage {
        cost: Some(60_000),
        ..Usage::default()
    };
    for _ in 0..2 {
        let (sealed, ..) = begun(&claimed_key(&id)).unwrap();
        alone(store().add_usage(&sealed, &usage)).unwrap();
    }
    let is_stored = stored(|stored| {
        let sum = r#""usage":{"fast":{"sum":{"cost":120000}}}"#;
        let mut texts = stored.values().map(|value| String::from_utf8_lossy(value));
        texts.any(|text| text.contains(sum))
    });
    assert!(is_stored);
}

#[test]
fn who_goes_on_with_a_receipt_settles_no_call_of_another() {
    fresh();
    let fast = claimed_key(&accepted(1));
    let good = fast.replace("fast", "good");
    let begin = |key: &str, price| alone(store().begin_call(key, Some(MicroDollars(price))));
    let Ok(Beginning::MayLeave { receipt_key, .. }) = begin(&fast, 10) else {
        panic!("it may leave");
    };
    keep(&receipt_key, b"work").unwrap();
    begin(&good, 60).unwrap();
    let Ok(Beginning::MayLeave { is_counted, .. }) = begin(&fast, 10) else {
        panic!("it may go on");
    };
    assert!(!is_counted);
    assert_eq!(finished_sums(&fast), (10, 60));
}

#[test]
fn the_answer_of_a_free_model_settles_no_call_of_another() {
    for (is_free_one_asked, expected) in [(true, (0, 60)), (false, (60, 0))] {
        fresh();
        let key = claimed_key(&accepted(1));
        let price = Some(MicroDollars(60));
        alone(store().begin_call(&key, price)).unwrap();
        if is_free_one_asked {
            let free = key.replace("fast", "local");
            assert!(!alone(store().is_forbidden(&free)).unwrap());
        }
        assert_eq!(finished_sums(&key), expected, "{is_free_one_asked}");
    }
}

#[test]
fn nobody_is_asked_where_somebody_was_perhaps_paid() {
    fresh();
    let first = claimed_key(&accepted(1));
    let is_forbidden = |key: &str| alone(store().is_forbidden(key)).unwrap();
    let other = first.replace("fast", "local");
    for (is_never, is_begun, expected) in [
        (true, false, false),
        (false, true, false),
        (true, true, true),
    ] {
        IS_NEVER.set(is_never);
        if is_begun {
            begun(&first);
        }
        assert_eq!(is_forbidden(&other), expected, "{is_never} {is_begun}");
    }
    IS_NEVER.set(false);
}

/// What is spent and reserved once the task of this call is completed.
fn finished_sums(key: &str) -> (i64, i64) {
    let (lease, _) = keyed_call(key).unwrap();
    let finished = alone(store().finish(&lease, image(&lease).into())).unwrap();
    assert_eq!(finished, Finished::Done);
    let told = alone(store().spending("ada", Window::Month)).unwrap();
    (told.spent, told.reserved)
}
