//! A mail server that takes everything, unless it is told to behave badly: it speaks SMTP on a loopback port and keeps what it
//! was given.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    task::{JoinHandle, JoinSet},
};

use crate::Letter;

/// A listening mail server; ends when dropped, with every connection it has.
#[derive(Debug)]
pub struct SmtpSink {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    letters: Vec<Letter>,
    behaviour: Behaviour,
    connections: usize,
}

/// What it does when it comes to a part of the dialogue.
#[derive(Debug, Clone, Default)]
struct Behaviour {
    refusal: Option<(Stage, u16, String)>,
    hang_up: Option<Stage>,
    pause: Duration,
}

/// A part of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before anything was said.
    Greeting,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// When the whole letter has been heard.
    Letter,
}

const MOST_LETTER: u64 = 1 << 20;

impl SmtpSink {
    /// On a free port.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// On a certain one, such as that of a sink that was dropped.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => panic!("the mail server cannot listen at {address}: {error}"),
        };
        let address = match listener.local_addr() {
            Ok(address) => address,
            Err(error) => panic!("{error}"),
        };
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            let mut dialogues = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                lock(&shared).connections += 1;
                dialogues.spawn(dialogue(stream, shared.clone()));
            }
        });
        Self { address, state, accepting }
    }

    /// For the settings of a sender.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// From now on, says this at that part of the dialogue.
    pub fn refuse(&self, at: Stage, code: u16, words: &str) {
        lock(&self.state).behaviour.refusal = Some((at, code, words.to_owned()));
    }

    /// From now on, ends the connection at that part of the dialogue.
    pub fn hang_up(&self, at: Stage) {
        lock(&self.state).behaviour.hang_up = Some(at);
    }

    /// From now on, thinks so long before each answer.
    pub fn think(&self, pause: Duration) {
        lock(&self.state).behaviour.pause = pause;
    }

    /// Behaves well again.
    pub fn behave(&self) {
        lock(&self.state).behaviour = Behaviour::default();
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// What it was given, in that order.
    pub fn letters(&self) -> Vec<Letter> {
        lock(&self.state).letters.clone()
    }

    /// Waits until it was given so many letters.
    pub async fn wait_for(&self, count: usize) -> Vec<Letter> {
        for _ in 0..400 {
            let letters = self.letters();
            if letters.len() >= count {
                return letters;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("waited in vain for {count} letters: {:#?}", self.letters());
    }

    /// Waits for the last letter to somebody; the one given after `known` of theirs.
    pub async fn letter_to(&self, recipient: &str, known: usize) -> Letter {
        for _ in 0..400 {
            let theirs = self.letters().into_iter().filter(|letter| letter.to.iter().any(|to| to == recipient));
            if let Some(letter) = theirs.skip(known).last() {
                return letter;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("waited in vain for a letter to {recipient}: {:#?}", self.letters());
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection.
struct Dialogue {
    heard: BufReader<OwnedReadHalf>,
    says: OwnedWriteHalf,
    state: Arc<Mutex<State>>,
}

/// Why a dialogue ends before its end.
enum Ended {
    Broken,
    HungUp,
}

impl From<std::io::Error> for Ended {
    fn from(_: std::io::Error) -> Self {
        Self::Broken
    }
}

async fn dialogue(stream: TcpStream, state: Arc<Mutex<State>>) {
    let (heard, says) = stream.into_split();
    let mut dialogue = Dialogue { heard: BufReader::new(heard), says, state };
    // However it ends, the connection ends with it.
    let _ = dialogue.lead().await;
}

impl Dialogue {
    async fn lead(&mut self) -> Result<(), Ended> {
        if !self.answer(Some(Stage::Greeting), "220 sink.example ESMTP").await? {
            return Ok(());
        }
        let (mut from, mut to) = (None, Vec::new());
        loop {
            let line = self.line().await?;
            let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match word.as_str() {
                "EHLO" | "HELO" => {
                    let answer = "250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN";
                    self.answer(None, answer).await?;
                }
                "AUTH" => drop(self.answer(Some(Stage::Login), "235 2.7.0 welcome").await?),
                "MAIL" => {
                    if self.answer(Some(Stage::Sender), "250 2.1.0 yes").await? {
                        (from, to) = (Some(address(&line)), Vec::new());
                    }
                }
                "RCPT" if from.is_some() => {
                    if self.answer(Some(Stage::Recipient), "250 2.1.5 yes").await? {
                        to.push(address(&line));
                    }
                }
                "DATA" if !to.is_empty() => {
                    self.answer(None, "354 go on").await?;
                    let raw = self.letter().await?;
                    if self.answer(Some(Stage::Letter), "250 2.0.0 kept").await? {
                        let letter = Letter::read(from.take().unwrap_or_default(), std::mem::take(&mut to), raw);
                        lock(&self.state).letters.push(letter);
                    }
                }
                "RSET" => {
                    (from, to) = (None, Vec::new());
                    self.answer(None, "250 2.0.0 forgotten").await?;
                }
                "NOOP" => drop(self.answer(None, "250 2.0.0 yes").await?),
                "QUIT" => {
                    self.answer(None, "221 2.0.0 bye").await?;
                    return Ok(());
                }
                "RCPT" | "DATA" => drop(self.answer(None, "503 5.5.1 not yet").await?),
                _ => drop(self.answer(None, "500 5.5.2 what?").await?),
            }
        }
    }

    async fn line(&mut self) -> Result<String, Ended> {
        let mut line = Vec::new();
        let read = (&mut self.heard).take(2048).read_until(b'\n', &mut line).await?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Err(Ended::Broken);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Up to the line that is a dot, with doubled dots made single.
    async fn letter(&mut self) -> Result<String, Ended> {
        let mut raw = Vec::new();
        let mut limited = (&mut self.heard).take(MOST_LETTER);
        loop {
            let mut line = Vec::new();
            if limited.read_until(b'\n', &mut line).await? == 0 {
                return Err(Ended::Broken);
            }
            if line == b".\r\n" {
                return Ok(String::from_utf8_lossy(&raw).into_owned());
            }
            raw.extend_from_slice(if line.starts_with(b".") { &line[1..] } else { &line });
        }
    }

    /// Answers well, or as it was told to. True when well.
    async fn answer(&mut self, at: Option<Stage>, well: &str) -> Result<bool, Ended> {
        let Behaviour { refusal, hang_up, pause } = lock(&self.state).behaviour.clone();
        tokio::time::sleep(pause).await;
        if at.is_some() && hang_up == at {
            return Err(Ended::HungUp);
        }
        let refusal = refusal.filter(|(stage, ..)| Some(*stage) == at);
        let answer = refusal.as_ref().map_or_else(|| well.to_owned(), |(_, code, words)| format!("{code} {words}"));
        self.says.write_all(format!("{answer}\r\n").as_bytes()).await?;
        Ok(refusal.is_none())
    }
}

/// Between the angle brackets.
fn address(line: &str) -> String {
    let after = line.split_once('<').map_or("", |(_, after)| after);
    after.split_once('>').map_or("", |(address, _)| address).to_owned()
}
