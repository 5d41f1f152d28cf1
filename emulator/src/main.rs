//! The emulator as a program: `cargo run -p portkey-admin-emulator -- --port 0`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, ValueExt};
use portkey_admin_emulator::{Emulator, RequestLine, Seed};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

const HELP: &str = "\
Usage: portkey-admin-emulator [OPTIONS]

Serves an emulated Portkey control plane until it is stopped with Ctrl-C.

Options:
  --port PORT   Where to listen; 0, the default, takes a free port
  --host IP     Listen on this address instead of 127.0.0.1. Its keys protect nothing: others on
                the network get in
  --seed FILE   Start with the organisations and requests of this YAML file
  --state FILE  Keep everything in this file, and go on with what it holds; a seed is for its first
                start only. It holds the values of keys
  --uploads FILE
                When it stops, write what was uploaded to this file, as JSON: the parts of each form
                with names, content types, sizes, checksums and texts
  --quiet       Do not log requests
  -h, --help    Print this
";

struct Options {
    address: SocketAddr,
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

fn run() -> Result<(), Failure> {
    let Some(options) = options()? else {
        print!("{HELP}");
        return Ok(());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(options))
}

/// The options; `None` where help is asked for.
fn options() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        seed: None,
        state: None,
        uploads: None,
        quiet: false,
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => options.address.set_port(arguments.value()?.parse()?),
            Long("host") => options.address.set_ip(arguments.value()?.parse()?),
            Long("seed") => options.seed = Some(arguments.value()?.into()),
            Long("state") => options.state = Some(arguments.value()?.into()),
            Long("uploads") => options.uploads = Some(arguments.value()?.into()),
            Long("quiet") => options.quiet = true,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(options))
}

async fn serve(options: Options) -> Result<(), Failure> {
    let stop = stop()?;
    let mut builder = Emulator::builder().address(options.address);
    if let Some(path) = options.seed {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        builder = builder.seeded(Seed::parse(&name, &text)?);
    }
    if let Some(path) = options.state {
        builder = builder.state_file(path);
    }
    if !options.quiet {
        builder = builder.log(log);
    }
    let emulator = builder.start().await?;
    introduce(&emulator, &options.address)?;
    stop.await;
    let uploads = uploads(&emulator);
    emulator.shutdown().await;
    if let Some(path) = options.uploads {
        let name = path.display();
        std::fs::write(&path, uploads.to_string()).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// What was uploaded, the oldest first.
fn uploads(emulator: &Emulator) -> Value {
    let uploads = emulator.uploads().into_iter();
    let uploads = uploads.map(|form| json!({"operation": form.operation, "parts": form.parts}));
    uploads.collect()
}

/// Prints where it is and the keys for it; whoever started it may be reading along.
fn introduce(emulator: &Emulator, address: &SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if !address.ip().is_loopback() {
        eprintln!("warning: {address} is open to others, and the keys protect nothing");
    }
    writeln!(out, "base URL         {}", emulator.base_url())?;
    writeln!(out, "public base URL  {}", emulator.public_base_url())?;
    for (organisation, name, value) in emulator.keys() {
        writeln!(out, "key              {value}  {organisation}: {name}")?;
    }
    out.flush()
}

fn log(line: &RequestLine) {
    // With nobody left to read the log, there is still somebody to serve.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Waits for Ctrl-C or, where there is such a thing, for being asked to terminate. The handlers are
/// in place when this returns.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
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
        // Where Ctrl-C cannot be waited for, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
