//! The stand-alone emulator: `cargo run -p portkey-admin-emulator -- --port 0`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lexopt::prelude::{Long, Short, ValueExt};
use portkey_admin_emulator::{AccessLogEntry, Clock, Emulator, Seed};
use serde_json::{Value, json};

type BoxError = Box<dyn std::error::Error>;

const HELP: &str = "\
Usage: portkey-admin-emulator [OPTIONS]

Serves an emulated Portkey control plane until it is stopped with Ctrl-C.

Options:
  --port PORT   Port to listen on; 0, the default, selects a free port
  --host IP     Address to listen on [default: 127.0.0.1]. The printed keys provide no security:
                anyone who can reach the address has access
  --control-port PORT
                Serve the control interface on this port of 127.0.0.1; 0 selects a free port
  --seed FILE   Start with the organisations and requests of this YAML file
  --state FILE  Load the state from this file and save every change to it. A seed is used only if
                the file does not exist. The file contains the values of keys
  --uploads FILE
                On shutdown, write the received uploads to this file as JSON: name, content type,
                size, checksum and text of each form part
  --time TIME   Stop the clock at this RFC 3339 time; only the control interface advances it
  --random-seed NUMBER
                Generate the same ids, keys and random faults in every run
  --delay MS    How long reads do not see writes, in milliseconds of the clock
  --quiet       Do not log requests
  -h, --help    Print this help
";

struct Arguments {
    address: SocketAddr,
    control_port: Option<u16>,
    time: Option<DateTime<Utc>>,
    random_seed: Option<u64>,
    delay: Duration,
    seed: Option<PathBuf>,
    state: Option<PathBuf>,
    uploads: Option<PathBuf>,
    quiet: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), BoxError> {
    let Some(arguments) = parse_arguments()? else {
        print!("{HELP}");
        return Ok(());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(arguments))
}

/// Parses the command line; returns `None` for `--help`.
fn parse_arguments() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments {
        address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        control_port: None,
        time: None,
        random_seed: None,
        delay: Duration::ZERO,
        seed: None,
        state: None,
        uploads: None,
        quiet: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => arguments.address.set_port(parser.value()?.parse()?),
            Long("host") => arguments.address.set_ip(parser.value()?.parse()?),
            Long("control-port") => arguments.control_port = Some(parser.value()?.parse()?),
            Long("time") => arguments.time = Some(parser.value()?.parse()?),
            Long("random-seed") => arguments.random_seed = Some(parser.value()?.parse()?),
            Long("delay") => arguments.delay = Duration::from_millis(parser.value()?.parse()?),
            Long("seed") => arguments.seed = Some(parser.value()?.into()),
            Long("state") => arguments.state = Some(parser.value()?.into()),
            Long("uploads") => arguments.uploads = Some(parser.value()?.into()),
            Long("quiet") => arguments.quiet = true,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(arguments))
}

async fn serve(arguments: Arguments) -> Result<(), BoxError> {
    let signal = shutdown_signal()?;
    let mut builder = Emulator::builder()
        .address(arguments.address)
        .consistency_delay(arguments.delay);
    if let Some(port) = arguments.control_port {
        builder = builder.control_port(port);
    }
    if let Some(time) = arguments.time {
        builder = builder.clock(Clock::fixed(time));
    }
    if let Some(seed) = arguments.random_seed {
        builder = builder.random_seed(seed);
    }
    if let Some(path) = arguments.seed {
        let name = path.display().to_string();
        let yaml = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        builder = builder.seed_data(Seed::parse(&name, &yaml)?);
    }
    if let Some(path) = arguments.state {
        builder = builder.state_file(path);
    }
    if !arguments.quiet {
        builder = builder.log(log);
    }
    let emulator = builder.start().await?;
    print_banner(&emulator, &arguments.address)?;
    signal.await;
    let uploads = uploads(&emulator);
    emulator.shutdown().await;
    if let Some(path) = arguments.uploads {
        let name = path.display();
        std::fs::write(&path, uploads.to_string()).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// Returns the uploads as JSON, oldest first.
fn uploads(emulator: &Emulator) -> Value {
    let uploads = emulator.uploads().into_iter();
    let uploads = uploads.map(|form| json!({"operation": form.operation, "parts": form.parts}));
    uploads.collect()
}

/// Prints the base URLs and the keys. Stdout is flushed so that a parent process can read them.
fn print_banner(emulator: &Emulator, address: &SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if !address.ip().is_loopback() {
        eprintln!(
            "warning: {address} is reachable from other machines, and the keys provide no security"
        );
    }
    writeln!(out, "base URL         {}", emulator.base_url())?;
    writeln!(out, "public base URL  {}", emulator.public_base_url())?;
    writeln!(out, "MCP base URL     {}", emulator.mcp_base_url())?;
    writeln!(out, "prices base URL  {}", emulator.prices_base_url())?;
    if let Some(url) = emulator.control_url() {
        writeln!(out, "control URL      {url}")?;
    }
    for (organisation, name, value) in emulator.keys() {
        writeln!(out, "key              {value}  {organisation}: {name}")?;
    }
    out.flush()
}

fn log(entry: &AccessLogEntry) {
    // The server keeps running if stderr is closed.
    let _ = writeln!(std::io::stderr(), "{entry}");
}

/// Returns a future that waits for Ctrl-C or, on Unix, SIGTERM. The signal handlers are installed
/// when this function returns.
fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // If no handler can be installed, Ctrl-C ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
