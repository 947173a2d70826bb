//! Two peers behind a C interface, because Rust has no stable interface between libraries that were
//! built separately. `src/contenders/apart.rs` is its other end.

mod huskarl;
mod jwtk;

use std::ffi::c_void;
use std::slice;

use serde::Deserialize;

type Error = Box<dyn std::error::Error + Send + Sync>;
/// One operation, ready to run. It takes the input to verify or load; a signing operation returns a
/// JWT.
type Operation = Box<dyn FnMut(&str) -> Result<Option<String>, Error>>;

/// What to prepare.
#[derive(Deserialize)]
struct Order {
    peer: String,
    operation: String,
    algorithm: String,
    private_pem: String,
    public_jwk: String,
    key_id: String,
    client_id: String,
    issuer: String,
}

impl Order {
    fn prepare(&self) -> Result<Option<Operation>, Error> {
        match (self.peer.as_str(), self.operation.as_str()) {
            ("huskarl", "sign") => huskarl::sign(self),
            ("huskarl", "verify") => huskarl::verify(self),
            ("huskarl", "load") => huskarl::load(self),
            ("jwtk", "verify") => jwtk::verify(self),
            _ => Ok(None),
        }
    }
}

/// Prepares an operation that is described in JSON. Returns null if the peer does not offer it. Any
/// other failure is a mistake in this program, so it aborts.
///
/// # Safety
///
/// `order` is `order_len` bytes that can be read.
#[unsafe(no_mangle)]
#[allow(
    clippy::expect_used,
    reason = "a panic in a function of this kind ends the program, with its message"
)]
pub unsafe extern "C" fn peers_prepare(order: *const u8, order_len: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    let order = unsafe { slice::from_raw_parts(order, order_len) };
    let order: Order = serde_json::from_slice(order).expect("an order");
    let operation = order.prepare().expect("a peer that takes the keys");
    operation.map_or(std::ptr::null_mut(), |operation| Box::into_raw(Box::new(operation)).cast())
}

/// Runs an operation once. Returns the length of what it wrote to `output`, or -1 if it refused the
/// input.
///
/// # Safety
///
/// `operation` is from [`peers_prepare`] and runs nowhere else now; `input` is `input_len` bytes
/// that can be read, and `output` is `output_len` bytes that can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peers_run(
    operation: *mut c_void,
    input: *const u8,
    input_len: usize,
    output: *mut u8,
    output_len: usize,
) -> isize {
    // SAFETY: the caller's promises.
    let (operation, input, output) = unsafe {
        (
            &mut *operation.cast::<Operation>(),
            slice::from_raw_parts(input, input_len),
            slice::from_raw_parts_mut(output, output_len),
        )
    };
    let Ok(input) = str::from_utf8(input) else { return -1 };
    match operation(input) {
        Err(_) => -1,
        Ok(None) => 0,
        Ok(Some(text)) => match output.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text.as_bytes());
                text.len().cast_signed()
            }
            None => -1,
        },
    }
}
