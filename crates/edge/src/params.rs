//! Ids in paths and parameters in queries, with problems instead of a framework's own words.

use crate::problem::Problem;
use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use vocabulary::{ErrorCode, Id, Kind};

/// The one id in a path.
#[derive(Debug)]
pub struct PathId<K: Kind>(pub Id<K>);

/// The two ids in a path.
#[derive(Debug)]
pub struct PathIds<A: Kind, B: Kind>(pub Id<A>, pub Id<B>);

/// The one text in a path.
#[derive(Debug)]
pub struct PathText(pub String);

/// The parameters of a query. Unknown ones are refused when the type says so.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// Reads an id that came as text.
///
/// # Errors
/// `invalid_id`, with what is wrong.
pub fn id<K: Kind>(text: &str) -> Result<Id<K>, Problem> {
    Id::parse(text).map_err(|error| {
        Problem::because(ErrorCode::InvalidId, format!("Send an id that begins with {}_: {error}.", K::PREFIX))
    })
}

fn not_text<E>(_: E) -> Problem {
    Problem::new(ErrorCode::InvalidId)
}

impl<S: Send + Sync, K: Kind> FromRequestParts<S> for PathId<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Path(text) = parts.extract::<Path<String>>().await.map_err(not_text)?;
        Ok(Self(id(&text)?))
    }
}

impl<S: Send + Sync, A: Kind, B: Kind> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Path((first, second)) = parts.extract::<Path<(String, String)>>().await.map_err(not_text)?;
        Ok(Self(id(&first)?, id(&second)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Path(text) = parts.extract::<Path<String>>().await.map_err(not_text)?;
        Ok(Self(text))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                let text: String = rejection.body_text().chars().take(160).collect();
                let text = text.rsplit("query string: ").next().unwrap_or_default();
                Err(Problem::because(ErrorCode::InvalidParameter, format!("Correct the query: {text}.")))
            }
        }
    }
}
