//! The program under test, as an operator runs it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cloister_testkit::program::{Process, command, free_address};

/// The program with its settings.
pub(crate) struct Program {
    pub(crate) data_dir: PathBuf,
    pub(crate) url: String,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(env!("CARGO_BIN_EXE_cloister"), arguments);
        command.env("CLOISTER_DATABASE_URL", &self.url).env("CLOISTER_DATA_DIR", &self.data_dir);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it printed; it must have ended well.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    /// The same with a line typed into it.
    pub(crate) fn succeed_with(&self, arguments: &[&str], line: &str) {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{line}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Serves until dropped.
    pub(crate) fn serve(&self) -> Serving {
        self.serve_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn serve_with(&self, more: &[&str]) -> Serving {
        let address = free_address();
        let address_text = address.to_string();
        let arguments = [&["serve", "--listen", &address_text], more].concat();
        let mut command = self.command(&arguments);
        command.stderr(Stdio::null());
        let serving = Serving { process: Process::start(command), address };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "nothing listens in time");
            std::thread::sleep(Duration::from_millis(20));
        }
        // The port is taken before anything else is done; an answer comes when all of it is.
        assert!(serving.get("/healthz", "none").starts_with("HTTP/1.1 200"));
        serving
    }
}

/// `cloister serve`.
pub(crate) struct Serving {
    process: Process,
    address: SocketAddr,
}

impl Serving {
    /// The whole answer to a GET, head and body.
    pub(crate) fn get(&self, path: &str, token: &str) -> String {
        self.get_at(path, &self.address.to_string(), token)
    }

    /// The same under a host name.
    pub(crate) fn get_at(&self, path: &str, host: &str, token: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// An access token for a tenant, by the way that people take.
    pub(crate) fn sign_in(&self, slug: &str, email: &str, password: &str) -> String {
        self.sign_in_at(&format!("/t/{slug}"), &self.address.to_string(), email, password)
    }

    /// An access token for the platform itself.
    pub(crate) fn sign_in_as_operator(&self, email: &str, password: &str) -> String {
        self.sign_in_at("", "localhost", email, password)
    }

    fn sign_in_at(&self, door: &str, host: &str, email: &str, password: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let body = format!("{{\"email\":\"{email}\",\"password\":\"{password}\"}}");
        let length = body.len();
        write!(
            stream,
            "POST {door}/api/v1/sessions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let token = answer.split("\"access_token\":\"").nth(1).unwrap_or_else(|| panic!("{answer}"));
        token.split('"').next().unwrap().to_owned()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(self) {
        assert!(self.process.stop().success());
    }
}
