//! Components are loaded as connectors: from bytes, from a file, or from this library.

use std::path::Path;

use tokio::io::AsyncReadExt as _;

use crate::connector::Connector;
use crate::error::{Error, ErrorKind, Result};
use crate::sandbox::{Engine, MAX_COMPONENT_BYTES};

impl Engine {
    /// Loads the component that comes with this library. It is compiled at the first call and kept.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// assert_eq!(connector.descriptor().target, "smtp");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Internal`] where it cannot be compiled.
    #[cfg(feature = "bundled")]
    pub async fn bundled(&self) -> Result<Connector> {
        self.bundled_component().await.map(Connector::new)
    }

    /// Loads a component from its bytes, in the binary format.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use smtp_connector::{Engine, ErrorKind};
    ///
    /// let error = Engine::new()?.load(b"\0asm").await.expect_err("no component");
    /// assert_eq!(error.kind(), ErrorKind::Component);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Component`] where the bytes are no component, the component is no
    /// connector of this version of the contract, or it imports anything beyond what a standard
    /// library brings along; the message names what was found.
    pub async fn load(&self, bytes: &[u8]) -> Result<Connector> {
        self.component(bytes).await.map(Connector::new)
    }

    /// Loads a component from a file.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use smtp_connector::{Engine, ErrorKind};
    ///
    /// let error = Engine::new()?.load_file("absent.wasm").await.expect_err("no file");
    /// assert_eq!(error.kind(), ErrorKind::Input);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Input`] where the file cannot be read, else as [`Engine::load`].
    pub async fn load_file(&self, path: impl AsRef<Path>) -> Result<Connector> {
        let bytes = read_component(path.as_ref()).await?;
        self.load(&bytes).await
    }
}

/// The bytes of a component's file.
pub(crate) async fn read_component(path: &Path) -> Result<Vec<u8>> {
    read_bounded(path).await.map_err(|error| {
        let message = format!("cannot read the component `{}`: {error}", path.display());
        Error::new(ErrorKind::Input, message)
    })
}

/// Reads a file, but not much further than [`Engine::load`] accepts: it may have no end.
async fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = tokio::fs::File::open(path).await?;
    let mut bytes = Vec::new();
    file.take(MAX_COMPONENT_BYTES as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
