//! Statements of an account by period, as JSON or CSV.

use crate::dto::{Balance, Day, Moment};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bank::statements::{self, Statement as StatementView};
use bank::{Bank, Refusal};
use edge::Problem;
use edge::reply::Reply;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::{BookingDate, ErrorCode};

/// Which statement.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementOf {
    /// Of the account in which currency.
    #[param(pattern = "^[A-Z0-9]{2,8}$", example = "CNY")]
    pub currency: String,
    /// The first booking day.
    #[param(value_type = String, format = Date, example = "2026-11-01")]
    pub from: Day,
    /// The last booking day.
    #[param(value_type = String, format = Date, example = "2026-11-30")]
    pub to: Day,
    /// `json` or `csv`; `json` when absent.
    #[param(inline)]
    pub format: Option<Format>,
}

/// In which form.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object.
    Json,
    /// RFC 4180 with a header row.
    Csv,
}

/// A statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statement {
    /// The account.
    pub account: String,
    /// The currency's code.
    #[schema(example = "CNY")]
    pub currency: String,
    /// The first booking day.
    pub from: Day,
    /// The last booking day.
    pub to: Day,
    /// The balance before the first record.
    pub opening: Balance,
    /// The balance after the last record.
    pub closing: Balance,
    /// What happened, oldest first.
    pub records: Vec<StatementRecord>,
}

/// What one journal entry did to the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementRecord {
    /// The entry's number in the journal.
    #[schema(minimum = 1, maximum = 9007199254740991_u64)]
    pub entry: u64,
    /// When it was posted.
    pub at: Moment,
    /// The day of the books.
    pub booking_date: Day,
    /// The day from which it bears value.
    #[schema(format = Date, example = "2026-11-22")]
    pub value_date: String,
    /// Its type.
    #[schema(example = "transfer")]
    pub r#type: String,
    /// Who or what stood on the other side.
    #[schema(example = "L* Wei")]
    pub counterparty: String,
    /// What came (above zero) or went (below).
    pub amount: Balance,
    /// The balance after it.
    pub balance_after: Balance,
}

fn show(bank: &Bank, view: StatementView) -> Statement {
    let currencies = bank.currencies();
    let amount = |minor: i64| Balance::of(&currencies, minor, &view.currency);
    let records = view.records.iter().map(|record| StatementRecord {
        entry: record.entry,
        at: record.at.into(),
        booking_date: record.booking.into(),
        value_date: record.value.to_string(),
        r#type: record.kind.clone(),
        counterparty: record.counterparty.clone(),
        amount: amount(record.amount_minor),
        balance_after: amount(record.balance_after_minor),
    });
    Statement {
        account: view.account.clone(),
        currency: view.currency.clone(),
        from: view.from.into(),
        to: view.to.into(),
        opening: amount(view.opening_minor),
        closing: amount(view.closing_minor),
        records: records.collect(),
    }
}

impl StatementOf {
    /// Currency and period.
    ///
    /// # Errors
    /// `currency_unknown`; `invalid_parameter` when the period ends before it begins.
    pub(crate) fn read(&self, bank: &Bank) -> Result<(money::Currency, (BookingDate, BookingDate)), Problem> {
        let currency = bank.currencies().parse(&self.currency).map_err(|code| Problem::new(code).at("currency"))?;
        if self.to.0 < self.from.0 {
            let detail = "The period ends before it begins; send from and to in order.";
            return Err(Problem::because(ErrorCode::InvalidParameter, detail).at("to"));
        }
        Ok((currency, (self.from.0, self.to.0)))
    }

    /// The statement in the form that was asked for.
    ///
    /// # Errors
    /// The refusal, as a problem.
    pub(crate) fn answer(&self, bank: &Bank, found: Result<StatementView, Refusal>) -> Result<Response, Problem> {
        let view = found.map_err(|refusal| Problem::refused(bank, refusal))?;
        match self.format {
            None | Some(Format::Json) => Ok(Reply::ok(show(bank, view)).into_response()),
            Some(Format::Csv) => Ok(csv(statements::to_csv(&view))),
        }
    }
}

/// A CSV answer.
pub(crate) fn csv(text: String) -> Response {
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
