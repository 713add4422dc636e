//! What limit groups used, against the fold of the lines that count.

use crate::accounts::Accounts;
use crate::difference::{Place, Stop};
use crate::journal::{Line, action};
use crate::scan::Snapshot;
use crate::slices;

/// The windows of a group: day, month (year × 12 + month − 1), year, and what was used in each, out and in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    window: [i64; 3],
    out: [i64; 3],
    into: [i64; 3],
}

struct Group {
    table: Usage,
    table_last: i64,
    compared: bool,
    fold: Usage,
    last: i64,
}

/// All limit groups, by number.
pub(crate) struct Groups {
    rows: Vec<Group>,
    watermark: i64,
}

/// Day, month and year of a day since 1970-01-01, by the Gregorian calendar.
fn windows_of(day: i64) -> [i64; 3] {
    // Days from 0000-03-01, in eras of 400 years: a year then ends with its leap day.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    [day, year * 12 + month, year]
}

impl Usage {
    fn moved_to(mut self, window: [i64; 3]) -> Self {
        for (at, new) in window.into_iter().enumerate() {
            if self.window[at] != new {
                (self.out[at], self.into[at]) = (0, 0);
            }
        }
        self.window = window;
        self
    }

    /// Folds a counting line for a group that stands on these sides of it.
    fn fold(self, line: &Line, sides: [bool; 2]) -> Self {
        let mut usage = self.moved_to(windows_of(line.day));
        if line.counted == 1 {
            for at in 0..3 {
                usage.out[at] = usage.out[at].saturating_add(if sides[0] { line.amount } else { 0 });
                usage.into[at] = usage.into[at].saturating_add(if sides[1] { line.amount } else { 0 });
            }
            return usage;
        }
        let given = windows_of(line.counted - 2);
        let of_hold = line.action > action::HOLD;
        let back = if of_hold { line.released - line.amount } else { line.amount };
        // The end of a hold undoes both directions; a refund gives back to whoever paid, who now is credited, and to whoever
        // received, who now is debited.
        let (out, into) = if of_hold { (sides[0], sides[1]) } else { (sides[1], sides[0]) };
        for (at, window) in given.into_iter().enumerate() {
            if window == usage.window[at] {
                usage.out[at] = (usage.out[at] - if out { back } else { 0 }).max(0);
                usage.into[at] = (usage.into[at] - if into { back } else { 0 }).max(0);
            }
        }
        usage
    }
}

impl Group {
    fn compare(&mut self, no: i64) -> Result<(), Stop> {
        let place = Place { invariant: "limits", table: "group_slice", row: no };
        let (fold, table) = (&self.fold, &self.table);
        let names = [["day", "out_day", "in_day"], ["month", "out_month", "in_month"], ["year", "out_year", "in_year"]];
        for (at, [window, out, into]) in names.into_iter().enumerate() {
            place.same(window, fold.window[at], table.window[at])?;
            place.same(out, fold.out[at], table.out[at])?;
            place.same(into, fold.into[at], table.into[at])?;
        }
        self.compared = true;
        Ok(())
    }
}

impl Groups {
    pub(crate) fn read(snapshot: &Snapshot) -> Result<Self, Stop> {
        let mut rows: Vec<Group> = Vec::new();
        let mut profiles = Vec::new();
        snapshot.scan("limit_group", "SELECT no, profile FROM limit_group ORDER BY no", &[], |row| {
            let no = row.int(0)?;
            let count = i64::try_from(profiles.len()).unwrap_or(i64::MAX);
            Place { invariant: "form", table: "limit_group", row: no }.same("no", count + 1, no)?;
            profiles.push(row.int(1)?);
            Ok(())
        })?;
        slices::each(snapshot, "group_slice", |no, numbers| {
            let place = Place { invariant: "limits", table: "group_slice", row: no };
            place.same("profile", profiles.get(rows.len()).copied(), Some(numbers.unsigned()?))?;
            let (day, month) = (numbers.signed()?, numbers.signed()?);
            let table = Usage {
                window: [day, month, month.div_euclid(12)],
                out: [numbers.signed()?, numbers.signed()?, numbers.signed()?],
                into: [numbers.signed()?, numbers.signed()?, numbers.signed()?],
            };
            let (table_last, fold) = (numbers.unsigned()?, Usage::default());
            rows.push(Group { table, table_last, compared: false, fold, last: 0 });
            Ok(())
        })?;
        Place { invariant: "form", table: "group_slice", row: 0 }.same("rows", profiles.len(), rows.len())?;
        Ok(Self { rows, watermark: snapshot.watermark("groups")? })
    }

    pub(crate) fn knows(&self, no: i64) -> bool {
        usize::try_from(no).is_ok_and(|no| (1..=self.rows.len()).contains(&no))
    }

    /// Folds a line into each group that binds one of its accounts, once.
    pub(crate) fn apply(&mut self, line: &Line, accounts: &Accounts) -> Result<(), Stop> {
        if line.counted == 0 {
            return Ok(());
        }
        let groups = [line.debit, line.credit].map(|no| accounts.get(no).map_or([0; 2], |account| account.groups));
        let all = [groups[0][0], groups[0][1], groups[1][0], groups[1][1]];
        for (at, no) in all.into_iter().enumerate() {
            let Some(place) = usize::try_from(no).ok().and_then(|no| no.checked_sub(1)) else { continue };
            if all[..at].contains(&no) || place >= self.rows.len() {
                continue;
            }
            let (watermark, group) = (self.watermark, &mut self.rows[place]);
            if group.last == group.table_last {
                group.compare(no)?;
                let place = Place { invariant: "limits", table: "group_slice", row: no };
                let expected = || format!("at least the last line before the watermark {watermark} ({})", line.seq);
                place.that(line.seq >= watermark, "last", expected(), group.table_last)?;
            }
            group.fold = group.fold.fold(line, [groups[0].contains(&no), groups[1].contains(&no)]);
            group.last = line.seq;
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self, lines: u64) -> Result<(), Stop> {
        let end = i64::try_from(lines).unwrap_or(i64::MAX).saturating_add(1);
        let place = Place { invariant: "form", table: "watermark", row: 0 };
        place.that(self.watermark <= end, "groups", format!("at most {end}"), self.watermark)?;
        for (no, group) in (1..).zip(&mut self.rows) {
            if group.last == group.table_last {
                group.compare(no)?;
            }
            let place = Place { invariant: "limits", table: "group_slice", row: no };
            let expected = format!("a line that counts, such as the last ({})", group.last);
            place.that(group.compared, "last", expected, group.table_last)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! The calendar against days everybody knows.

    use super::windows_of;

    #[test]
    fn days_fall_into_the_months_and_years_of_the_calendar() {
        for (day, year, month) in [
            (0, 1970, 1),
            (58, 1970, 2),
            (59, 1970, 3),
            (364, 1970, 12),
            (365, 1971, 1),
            (11_016, 2000, 2),
            (11_017, 2000, 3),
            (20_779, 2026, 11),
            (-1, 1969, 12),
        ] {
            assert_eq!(windows_of(day), [day, year * 12 + month - 1, year], "day {day}");
        }
    }
}
