//! The books: closing days, trial balance, safeguarding, reconciliation, export to the general ledger.

use crate::dto::{Balance, Day, Moment};
use crate::v1::statements::{Format, csv};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bank::Currencies;
use bank::accounting::{self, ClosedDay, ExportFormat, TrialBalance as TrialView, TrialRow as TrialRowView};
use bank::audit;
use bank::rail_feed;
use edge::caller::{AsStaff, CloseBooks, Look};
use edge::reply::{self, Handled, Reply};
use edge::{Params, Problem, Strict, blocking};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::ErrorCode;

/// A booking day to be closed, with all before it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"day": "2026-11-22"}))]
pub struct DayToClose {
    /// The day; its cut-off must be over.
    pub day: Day,
}

/// A closed booking day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosedBookingDay {
    /// The day.
    pub day: Day,
    /// Its first journal line.
    #[schema(minimum = 0, maximum = 9007199254740991_u64)]
    pub first_line: u64,
    /// Its last journal line.
    #[schema(minimum = 0, maximum = 9007199254740991_u64)]
    pub last_line: u64,
    /// When it was closed.
    pub closed_at: Moment,
}

/// Which trial balance.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrialOf {
    /// Of a closed day; of this moment when absent.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-22")]
    pub day: Option<Day>,
}

/// A trial balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    /// The closed day; null when it is of this moment.
    pub day: Option<Day>,
    /// When it was drawn up.
    pub at: Moment,
    /// Its rows, by code and currency.
    pub rows: Vec<TrialRow>,
}

/// A row of a trial balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialRow {
    /// The general-ledger code.
    #[schema(example = "2010")]
    pub gl_code: String,
    /// Before.
    pub opening: Balance,
    /// What was debited.
    pub debits: Balance,
    /// What was credited.
    pub credits: Balance,
    /// After: opening plus debits less credits.
    pub closing: Balance,
}

/// Our books beside the bank's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reconciliations {
    /// One row for each currency.
    pub data: Vec<Reconciliation>,
}

/// Our nostro beside the bank's statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reconciliation {
    /// The balance of our nostro.
    pub books: Balance,
    /// The sum of the bank's statement.
    pub statement: Balance,
    /// Lines that belong to nothing we know, in all currencies.
    #[schema(minimum = 0, maximum = 9007199254740991_u64)]
    pub unmatched_lines: u64,
}

/// Which part of the journal.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportOf {
    /// The first booking day.
    #[param(value_type = String, format = Date, example = "2026-11-22")]
    pub from: Day,
    /// The last booking day.
    #[param(value_type = String, format = Date, example = "2026-11-22")]
    pub to: Day,
    /// `csv`, or `json` for one object on each line; `csv` when absent.
    #[param(inline)]
    pub format: Option<Format>,
}

fn show_day(view: ClosedDay) -> ClosedBookingDay {
    ClosedBookingDay {
        day: view.day.into(),
        first_line: view.first_line,
        last_line: view.last_line,
        closed_at: view.closed_at.into(),
    }
}

fn show_row(currencies: &Currencies, row: TrialRowView) -> TrialRow {
    let amount = |minor: i64| Balance::of(currencies, minor, &row.currency);
    TrialRow {
        opening: amount(row.opening_minor),
        debits: amount(row.debits_minor),
        credits: amount(row.credits_minor),
        closing: amount(row.closing_minor),
        gl_code: row.gl_code,
    }
}

/// Close a booking day
#[utoipa::path(put, path = "/v1/staff/closed-days", tag = "staff", request_body = DayToClose,
    responses((status = 200, description = "The day.", body = ClosedBookingDay)))]
pub async fn close_day(who: AsStaff<CloseBooks>, Strict(body): Strict<DayToClose>) -> Handled<ClosedBookingDay> {
    audit::begun(&who.bank, who.principal(), "books.close_day").await?;
    let closed = blocking(&who.bank, move |bank| accounting::close_day(bank, body.day.0)).await?;
    Ok(Reply::ok(show_day(closed.map_err(|refusal| Problem::refused(&who.bank, refusal))?)))
}

/// Draw up a trial balance
#[utoipa::path(get, path = "/v1/staff/trial-balance", tag = "staff", params(TrialOf),
    responses((status = 200, description = "The trial balance.", body = TrialBalance)))]
pub async fn trial_balance(who: AsStaff<Look>, Params(of): Params<TrialOf>) -> Handled<TrialBalance> {
    let found = blocking(&who.bank, move |bank| match of.day {
        Some(day) => accounting::of_closed_day(bank, day.0),
        None => accounting::trial_balance(bank).map(Some),
    });
    let TrialView { day, at, rows, .. } = reply::found(Ok(found.await?))?;
    let currencies = who.bank.currencies();
    let rows = rows.into_iter().map(|row| show_row(&currencies, row)).collect();
    Ok(Reply::ok(TrialBalance { day: day.map(Day), at: at.into(), rows }))
}

/// Compare our books with the bank's statement
#[utoipa::path(get, path = "/v1/staff/reconciliation", tag = "staff",
    responses((status = 200, description = "They differ by what is on its way.", body = Reconciliations)))]
pub async fn reconciliation(who: AsStaff<Look>) -> Handled<Reconciliations> {
    let rows = blocking(&who.bank, rail_feed::reconciliation).await?;
    let currencies = who.bank.currencies();
    let data = rows.into_iter().map(|row| Reconciliation {
        books: Balance::of(&currencies, row.books_minor, &row.currency),
        statement: Balance::of(&currencies, row.statement_minor, &row.currency),
        unmatched_lines: row.unmatched_lines,
    });
    Ok(Reply::ok(Reconciliations { data: data.collect() }))
}

/// Export the journal for the general ledger
#[utoipa::path(get, path = "/v1/staff/general-ledger", tag = "staff", params(ExportOf),
    responses((status = 200, description = "The journal of these days, one line of the books on each.",
        content((String = "text/csv"), (String = "application/x-ndjson")))))]
pub async fn export(who: AsStaff<Look>, Params(of): Params<ExportOf>) -> Result<Response, Problem> {
    if of.to.0 < of.from.0 {
        let detail = "The period ends before it begins; send from and to in order.";
        return Err(Problem::because(ErrorCode::InvalidParameter, detail).at("to"));
    }
    audit::looked(&who.bank, who.principal(), "books.export").await?;
    let json = matches!(of.format, Some(Format::Json));
    let text = blocking(&who.bank, move |bank| {
        let mut text = Vec::new();
        let format = if json { ExportFormat::JsonLines } else { ExportFormat::Csv };
        // Writing to memory does not fail.
        let _ = accounting::export(bank, (of.from.0, of.to.0), format, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    });
    let text = text.await?;
    if json { Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response()) } else { Ok(csv(text)) }
}
