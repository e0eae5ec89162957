//! stub
pub mod extract;
mod pattern;
pub mod version;
pub use extract::ReadSpec;
pub use pattern::Pattern;
