//! A journal on tokio-uring: appends records, reads each back, and prints what it believes it did.
//! It runs and looks busy, and yet the header it "wrote" never reaches the file. Ringlight shows where, and why.

use std::time::{Duration, Instant};
use tokio_uring::fs::{File, OpenOptions};

const HEADER: &[u8] = b"ringlight demo journal, version 1\n";
const RECORD: usize = 4096;

fn main() -> std::io::Result<()> {
    let seconds = seconds_from_arguments();
    std::fs::create_dir_all("build")?;
    tokio_uring::start(run(Duration::from_secs(seconds)))
}

async fn run(time: Duration) -> std::io::Result<()> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open("build/journal.dat")
        .await?;

    // Mistake: this builds an operation and drops it; without `.submit().await` nothing is written.
    file.write_at(HEADER.to_vec(), 0);

    let mut position = RECORD as u64;
    let mut records = 0u64;
    let start = Instant::now();
    while start.elapsed() < time {
        append(&file, position, records).await;
        read_back(&file, position).await?;
        position += RECORD as u64;
        records += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    let header = read_header(&file).await?;
    file.close().await?;
    println!("{} records appended, {} read back", records, records);
    if header != HEADER {
        println!("the header is missing from the file: its write was never submitted");
    }
    Ok(())
}

async fn append(file: &File, position: u64, number: u64) {
    let record = vec![b'a' + (number % 26) as u8; RECORD];
    // Mistake: the result is thrown away, so a full disk or a short write goes unnoticed.
    let (_, _record) = file.write_at(record, position).submit().await;
}

async fn read_back(file: &File, position: u64) -> std::io::Result<usize> {
    let (result, _buffer) = file.read_at(vec![0u8; RECORD], position).await;
    result
}

async fn read_header(file: &File) -> std::io::Result<Vec<u8>> {
    let (result, mut buffer) = file.read_at(vec![0u8; HEADER.len()], 0).await;
    let length = result?;
    buffer.truncate(length);
    Ok(buffer)
}

/// `--seconds N`; eight unless told.
fn seconds_from_arguments() -> u64 {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => 8,
        [flag, value] if flag == "--seconds" => value.parse().unwrap_or_else(|_| usage()),
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: journal [--seconds N]");
    std::process::exit(2)
}
