//! `concept-refinement`: the command line.

mod cli;

use std::process::ExitCode;

use concept_refinement_host::{Components, Config, HostBuilder};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let serve = match cli::parse() {
        Ok(serve) => serve,
        Err(exit) => return exit,
    };
    match run(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("concept-refinement: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(serve: cli::Serve) -> anyhow::Result<()> {
    let config = Config::new(serve.values)?;
    cli::start_log(config.log_format)?;
    for variable in serve.unknown_variables {
        tracing::warn!(variable, "an unknown variable is ignored");
    }
    let components = Components::load(serve.components.as_deref(), &config.model)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve_until_stopped(config, components))
}

async fn serve_until_stopped(config: Config, components: Components) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let host = HostBuilder::new(config, components).start().await?;
    println!("concept-refinement is ready at http://{}", host.address());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = host.stop() => {}
        // A second signal: what is accepted is stored, and is taken over later.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
