//! The tokens of those who use the API: their digests, never themselves.

use super::row::from_row;
use super::{Result, Store};

/// What is kept of a token.
#[derive(Debug, Clone)]
pub(crate) struct StoredToken {
    /// Its public name.
    pub id: String,
    /// The digest of it.
    pub digest: Vec<u8>,
    /// What people call it.
    pub name: String,
    /// What it is good for, parted by blanks.
    pub scopes: String,
    /// When it was made.
    pub created: i64,
}

from_row!(StoredToken { id, digest, name, scopes, created });

impl Store {
    /// Keeps a token; with `first` only where there is none yet. Whether it was kept.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn put_token(&self, token: &StoredToken, first: bool) -> Result<bool> {
        let mut work = self.begin().await?;
        let insert = "insert into token (id, digest, name, scopes, created) select $1, $2, $3, \
                      $4, $5 where $6 = 0 or not exists (select 1 from token)";
        let kept = sqlx::query(insert)
            .bind(token.id.as_str())
            .bind(token.digest.clone())
            .bind(token.name.as_str())
            .bind(token.scopes.as_str())
            .bind(work.now)
            .bind(i64::from(first))
            .execute(work.connection())
            .await?;
        work.commit().await?;
        Ok(kept.rows_affected() == 1)
    }

    /// The token with this digest.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn token(&self, digest: &[u8]) -> Result<Option<StoredToken>> {
        let select = "select id, digest, name, scopes, created from token where digest = $1";
        Ok(sqlx::query_as(select)
            .bind(digest.to_vec())
            .fetch_optional(self.reader().await?.connection())
            .await?)
    }

    /// All tokens, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn tokens(&self) -> Result<Vec<StoredToken>> {
        let select = "select id, digest, name, scopes, created from token order by created, id";
        Ok(sqlx::query_as(select).fetch_all(self.reader().await?.connection()).await?)
    }

    /// Takes a token away; whether there was one.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn delete_token(&self, id: &str) -> Result<bool> {
        let mut work = self.begin().await?;
        let deleted = sqlx::query("delete from token where id = $1")
            .bind(id)
            .execute(work.connection())
            .await?;
        work.commit().await?;
        Ok(deleted.rows_affected() == 1)
    }
}
