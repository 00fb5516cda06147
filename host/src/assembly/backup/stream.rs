//! The protocol that carries an archive from one process to another: frames, each with
//! its length. An empty frame is the last one, and is followed by the outcome. A stream
//! without an outcome was cut off.

use std::io::{self, BufReader, BufWriter, Read, Write};

/// Longest frame, in bytes.
const FRAME: usize = 1 << 16;

/// Longest outcome, in bytes.
const OUTCOME: u64 = 8 * 1024;

const WHOLE: u8 = b'+';
const FAILED: u8 = b'-';

/// Sends nothing but the reason of a refusal.
pub fn refuse(to: impl Write, why: &str) -> io::Result<()> {
    Sender::new(to).end(Err(why))
}

pub struct Sender<W: Write>(BufWriter<Frames<W>>);

impl<W: Write> Sender<W> {
    pub fn new(to: W) -> Self {
        let frames = Frames {
            to,
            is_broken: false,
        };
        Self(BufWriter::with_capacity(FRAME, frames))
    }

    /// Ends the stream with a summary of the archive, or with the reason why it is
    /// incomplete.
    pub fn end(mut self, outcome: Result<&str, &str>) -> io::Result<()> {
        let (kind, text) = match outcome {
            Ok(counts) => (WHOLE, counts),
            Err(why) => (FAILED, why),
        };
        self.0.flush()?;
        let frames = self.0.get_mut();
        frames.send(&[0, 0, 0, 0, kind])?;
        frames.send(text.as_bytes())?;
        frames.flush()
    }
}

impl<W: Write> Write for Sender<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

struct Frames<W> {
    to: W,
    /// Nobody knows how much of a frame has arrived.
    is_broken: bool,
}

impl<W: Write> Frames<W> {
    /// After an error nothing is sent any more: it would be taken for the rest of a frame,
    /// and who takes nothing would be waited for again.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let sent = self.to.write_all(bytes);
        self.is_broken = sent.is_err();
        sent
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let frame = bytes.get(..FRAME).unwrap_or(bytes);
        if !frame.is_empty() {
            let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
            self.send(&length.to_be_bytes())?;
            self.send(frame)?;
        }
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reading from it yields the archive.
pub struct Receiver<R> {
    from: BufReader<R>,
    /// Bytes left of the current frame.
    left: u64,
    received: u64,
    outcome: Option<Result<String, String>>,
}

impl<R: Read> Receiver<R> {
    pub fn new(from: R) -> Self {
        Self {
            from: BufReader::with_capacity(FRAME, from),
            left: 0,
            received: 0,
            outcome: None,
        }
    }

    /// Number of bytes of the archive so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// A summary of the archive, or the reason why it is incomplete. None: the stream was
    /// not read to its end.
    pub fn outcome(self) -> Option<Result<String, String>> {
        self.outcome
    }

    fn begin_frame(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        self.left = u32::from_be_bytes(length).into();
        if self.left == 0 {
            let mut kind = [0];
            self.from.read_exact(&mut kind)?;
            let mut text = Vec::new();
            (&mut self.from).take(OUTCOME).read_to_end(&mut text)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            self.outcome = Some(match kind {
                [WHOLE] => Ok(text),
                _ => Err(text),
            });
        }
        Ok(())
    }

    fn next(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.begin_frame()?;
        }
        let read = (&mut self.from).take(self.left).read(bytes)?;
        if read == 0 && self.left > 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        self.received += read as u64;
        Ok(read)
    }
}

impl<R: Read> Read for Receiver<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.outcome.is_some() {
            return Ok(0);
        }
        match self.next(bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let why = "the service ended before the backup did";
                self.outcome = Some(Err(why.to_owned()));
                Ok(0)
            }
            read => read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(bytes: &[u8], outcome: Result<&str, &str>) -> Vec<u8> {
        let mut stream = Vec::new();
        let mut sender = Sender::new(&mut stream);
        sender.write_all(bytes).unwrap();
        sender.end(outcome).unwrap();
        stream
    }

    fn received(stream: &[u8]) -> (Vec<u8>, Option<Result<String, String>>) {
        let mut receiver = Receiver::new(stream);
        let mut bytes = Vec::new();
        receiver.read_to_end(&mut bytes).unwrap();
        assert_eq!(receiver.received(), bytes.len() as u64);
        (bytes, receiver.outcome())
    }

    #[test]
    fn what_is_sent_arrives_with_its_outcome() {
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 5 * FRAME] {
            let bytes: Vec<_> = (0..=255).cycle().take(length).collect();
            for outcome in [Ok("3 tasks"), Err("the disk is full")] {
                let expected = outcome.map(str::to_owned).map_err(str::to_owned);
                let stream = sent(&bytes, outcome);
                assert_eq!(received(&stream), (bytes.clone(), Some(expected)));
            }
        }
    }

    /// Takes so many bytes, fails once, and would take more.
    struct Failing {
        left: usize,
        taken: usize,
        has_failed: bool,
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.left == 0 && !self.has_failed {
                self.has_failed = true;
                return Err(io::ErrorKind::TimedOut.into());
            }
            let count = match self.has_failed {
                true => bytes.len(),
                false => bytes.len().min(self.left),
            };
            self.left = self.left.saturating_sub(count);
            self.taken += count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_follows_a_frame_that_could_not_be_sent() {
        let mut to = Failing {
            left: FRAME / 2,
            taken: 0,
            has_failed: false,
        };
        let mut sender = Sender::new(&mut to);
        assert!(sender.write_all(&vec![b'x'; 2 * FRAME]).is_err());
        assert!(sender.end(Err("it took too long")).is_err());
        assert_eq!((to.taken, to.has_failed), (FRAME / 2, true));
    }

    #[test]
    fn a_stream_that_breaks_off_is_never_whole() {
        let stream = sent(b"archive", Ok("3 tasks"));
        let outcome = stream.len() - "3 tasks".len();
        for length in 0..outcome {
            let (_, outcome) = received(&stream[..length]);
            let why = outcome.unwrap().unwrap_err();
            assert!(why.contains("ended before"), "{length}: {why}");
        }
    }
}
