//! Waiting for what tasks of the thread pool send back.

use rayon::Yield;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

/// Waits for a result; the receiver's owner holds a sender. A thread of the pool works meanwhile: were all of them to wait, nothing would come.
pub fn receive<T>(results: &Receiver<T>) -> T {
    loop {
        match results.try_recv() {
            Ok(done) => return done,
            Err(TryRecvError::Disconnected) => unreachable!("the owner of the receiver holds a sender"),
            Err(TryRecvError::Empty) => {}
        }
        if !matches!(rayon::yield_now(), Some(Yield::Executed)) {
            match results.recv_timeout(Duration::from_millis(1)) {
                Ok(done) => return done,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }
}
