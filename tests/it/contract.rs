//! The bundled component keeps what its descriptor and its schema say.

mod descriptor;
mod schema;
