//! The protocol that carries an archive from one process to another: frames, each with
//! its length. An empty frame is followed either by the outcome, which ends the stream,
//! or by a word that says that the sender is still at work. A stream without an outcome
//! was cut off.

use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

/// Longest frame, in bytes.
const FRAME: usize = 1 << 16;

/// Longest outcome, in bytes.
const OUTCOME: u64 = 8 * 1024;

const WHOLE: u8 = b'+';
const FAILED: u8 = b'-';

/// Sent by a sender that has no data to send yet.
const WAIT: u8 = b'.';
pub const ALIVE: [u8; 5] = [0, 0, 0, 0, WAIT];

/// How often it is sent.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// Sends only the reason of a refusal.
pub fn refuse(to: impl Write, why: &str) -> io::Result<()> {
    Frames::new(to).end(Err(why))
}

/// Sends whole frames, from several threads.
pub struct Frames<W>(Mutex<Output<W>>);

struct Output<W> {
    to: W,
    /// It is not known how much of a frame has arrived.
    is_broken: bool,
}

impl<W: Write> Frames<W> {
    pub fn new(to: W) -> Self {
        let is_broken = false;
        Self(Mutex::new(Output { to, is_broken }))
    }

    /// Collects what is written into long frames.
    pub fn writer(&self) -> BufWriter<&Self> {
        BufWriter::with_capacity(FRAME, self)
    }

    /// Ends the stream with a summary of the archive (see [`Receiver::outcome`]), or with the
    /// reason why it is incomplete.
    pub fn end(&self, outcome: Result<&str, &str>) -> io::Result<()> {
        let (kind, text) = match outcome {
            Ok(counts) => (WHOLE, counts),
            Err(why) => (FAILED, why),
        };
        self.send(&[&[0, 0, 0, 0, kind], text.as_bytes()])?;
        self.0.lock().to.flush()
    }

    /// After an error nothing more is sent: it would be taken for the rest of a frame, and
    /// a receiver that reads nothing would block the sender again.
    fn send(&self, parts: &[&[u8]]) -> io::Result<()> {
        let mut output = self.0.lock();
        if output.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let sent = parts.iter().try_for_each(|part| output.to.write_all(part));
        output.is_broken = sent.is_err();
        sent
    }

    /// Does work that may send nothing for long, for example while a large database
    /// is copied. Meanwhile the receiver is told that the sender is still at work.
    pub fn alive_while<T>(&self, work: impl FnOnce() -> T) -> T
    where
        W: Send,
    {
        thread::scope(|scope| {
            let (done, ends) = mpsc::channel::<()>();
            scope.spawn(move || {
                while ends.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    if self.send(&[&ALIVE]).is_err() {
                        break;
                    }
                }
            });
            let result = work();
            drop(done);
            result
        })
    }
}

impl<W: Write> Write for &Frames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let frame = bytes.get(..FRAME).unwrap_or(bytes);
        if !frame.is_empty() {
            let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
            self.send(&[&length.to_be_bytes(), frame])?;
        }
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().to.flush()
    }
}

/// Reading from it yields the archive.
pub struct Receiver<R> {
    from: BufReader<R>,
    /// Bytes left of the current frame.
    left: u64,
    outcome: Option<Result<String, String>>,
}

impl<R: Read> Receiver<R> {
    pub fn new(from: R) -> Self {
        Self {
            from: BufReader::with_capacity(FRAME, from),
            left: 0,
            outcome: None,
        }
    }

    /// A summary of the archive, with a line for each thing that is not in it, or the reason
    /// why it is incomplete. None: the stream was not read to its end.
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
            if kind == [WAIT] {
                return Ok(());
            }
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
        while self.left == 0 && self.outcome.is_none() {
            self.begin_frame()?;
        }
        let read = (&mut self.from).take(self.left).read(bytes)?;
        if read == 0 && self.left > 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
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
            // This is how systems report a timeout.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.outcome = Some(Err("the running service does not answer".to_owned()));
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
        let frames = Frames::new(&mut stream);
        let mut writer = frames.writer();
        writer.write_all(bytes).unwrap();
        writer.flush().unwrap();
        drop(writer);
        frames.end(outcome).unwrap();
        // A sender with nothing to send yet says so.
        [ALIVE.as_slice(), stream.as_slice()].concat()
    }

    fn received(stream: &[u8]) -> (Vec<u8>, Option<Result<String, String>>) {
        let mut receiver = Receiver::new(stream);
        let mut bytes = Vec::new();
        receiver.read_to_end(&mut bytes).unwrap();
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
        let frames = Frames::new(&mut to);
        assert!(frames.writer().write_all(&vec![b'x'; 2 * FRAME]).is_err());
        assert!(frames.end(Err("it took too long")).is_err());
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
