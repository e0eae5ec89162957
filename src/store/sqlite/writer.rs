//! The one thread that writes: it takes what waits, puts it into one transaction, and answers when that is on disk.
//!
//! A transaction takes in what has queued up while the one before was being written, at most [`ROWS`] rows and
//! [`SPAN`] long, and does not wait for more: a lone visit is acknowledged after one disk write, a busy hour
//! shares one among many.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::StoreError;

/// Most rows in one transaction.
const ROWS: usize = 500;
/// Longest time that a transaction stays open.
const SPAN: Duration = Duration::from_millis(200);
/// Calls that may wait; more wait in their callers.
const QUEUE: usize = 1024;

/// Answers the caller once it is known how the transaction ended.
type Finish = Box<dyn FnOnce(Result<(), String>) + Send>;
/// Does the work, or hears why there is no transaction to do it in.
type Run = Box<dyn FnOnce(Result<&Connection, String>) -> Finish + Send>;

struct Work {
    rows: usize,
    run: Run,
}

pub(super) struct Writer {
    queue: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn spawn(connection: Connection) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || write(&connection, &waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs `act` on the writing connection and returns when its transaction has reached the disk. Blocks.
    pub(super) fn run<T: Send + 'static>(
        &self,
        rows: usize,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = mpsc::sync_channel(1);
        let run: Run = Box::new(move |connection| {
            let done = connection.map_err(StoreError::Commit).and_then(|connection| in_savepoint(connection, act));
            Box::new(move |committed: Result<(), String>| {
                // the caller may be gone: the write stands all the same
                let _ = answer.send(committed.map_err(StoreError::Commit).and(done));
            })
        });
        let queue = self.queue.as_ref().ok_or(StoreError::Stopped)?;
        queue.send(Work { rows, run }).map_err(|_| StoreError::Stopped)?;
        answered.recv().map_err(|_| StoreError::Stopped)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(connection: &Connection, waiting: &Receiver<Work>) {
    while let Ok(first) = waiting.recv() {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            tracing::error!(%error, "the store cannot begin a transaction");
            (first.run)(Err(error.to_string()))(Ok(()));
            continue;
        }
        let finishes = gather(connection, first, waiting);
        let outcome = commit(connection);
        if let Err(error) = &outcome {
            tracing::error!(%error, "the store cannot commit");
        }
        for finish in finishes {
            finish(outcome.clone());
        }
    }
}

fn gather(connection: &Connection, first: Work, waiting: &Receiver<Work>) -> Vec<Finish> {
    let started = Instant::now();
    let mut rows = first.rows;
    let mut finishes = vec![(first.run)(Ok(connection))];
    // a full disk makes the database roll back by itself: what comes after must not slip in outside a transaction
    while rows < ROWS && started.elapsed() < SPAN && !connection.is_autocommit() {
        let Ok(next) = waiting.try_recv() else { break };
        rows += next.rows;
        finishes.push((next.run)(Ok(connection)));
    }
    finishes
}

fn commit(connection: &Connection) -> Result<(), String> {
    if connection.is_autocommit() {
        return Err("the database rolled the transaction back; is the disk full?".into());
    }
    connection.execute_batch("COMMIT").map_err(|error| {
        let _ = connection.execute_batch("ROLLBACK");
        error.to_string()
    })
}

/// One caller's failure must not undo what the others in the same transaction did.
fn in_savepoint<T>(
    connection: &Connection,
    act: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.prepare_cached("SAVEPOINT one")?.execute([])?;
    let done = act(connection);
    if done.is_err() {
        connection.prepare_cached("ROLLBACK TO one")?.execute([])?;
    }
    connection.prepare_cached("RELEASE one")?.execute([])?;
    done
}
