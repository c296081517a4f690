//! Documents that are managed over the API: the connectors, and the secret of the store.

use super::row::from_row;
use super::{Result, Store};

/// A connector's document, sealed.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// The version, which each change raises.
    pub version: i64,
    /// What stands in it, sealed.
    pub document: Vec<u8>,
}

from_row!(Document { version, document });

impl Store {
    /// One connector.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn document(&self, name: &str) -> Result<Option<Document>> {
        let select = "select version, document from connector where name = $1";
        Ok(sqlx::query_as(select)
            .bind(name)
            .fetch_optional(self.reader().await?.connection())
            .await?)
    }

    /// The names of all connectors with their versions.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn versions(&self) -> Result<Vec<(String, i64)>> {
        Ok(sqlx::query_as("select name, version from connector")
            .fetch_all(self.reader().await?.connection())
            .await?)
    }

    /// Puts a connector in place of version `before`, or a new one where that is none. Gives the
    /// new version; none where the connector is of another version by now.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn put_document(
        &self,
        name: &str,
        before: Option<i64>,
        document: &[u8],
    ) -> Result<Option<i64>> {
        let mut work = self.begin().await?;
        let changed = match before {
            None => {
                // A name that is used again goes on counting, so that no old mark fits it.
                let insert = "insert into connector (name, version, document) values ($1, $2, $3) \
                              on conflict do nothing returning version";
                sqlx::query_as(insert).bind(name).bind(work.now).bind(document.to_vec())
            }
            Some(before) => {
                let update = "update connector set version = version + 1, document = $3 \
                              where name = $1 and version = $2 returning version";
                sqlx::query_as(update).bind(name).bind(before).bind(document.to_vec())
            }
        };
        let version: Option<(i64,)> = changed.fetch_optional(work.connection()).await?;
        work.tell();
        work.commit().await?;
        Ok(version.map(|(version,)| version))
    }

    /// Takes a connector of this version away; whether it was of this version.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn delete_document(&self, name: &str, version: i64) -> Result<bool> {
        let mut work = self.begin().await?;
        let deleted = sqlx::query("delete from connector where name = $1 and version = $2")
            .bind(name)
            .bind(version)
            .execute(work.connection())
            .await?;
        work.tell();
        work.commit().await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// A value that the store keeps for itself: the one that is there, or else this one.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn setting(&self, name: &str, otherwise: &[u8]) -> Result<Vec<u8>> {
        let mut work = self.begin().await?;
        sqlx::query("insert into setting (name, value) values ($1, $2) on conflict do nothing")
            .bind(name)
            .bind(otherwise.to_vec())
            .execute(work.connection())
            .await?;
        let (value,): (Vec<u8>,) = sqlx::query_as("select value from setting where name = $1")
            .bind(name)
            .fetch_one(work.connection())
            .await?;
        work.commit().await?;
        Ok(value)
    }
}
