//! What is swept, when, and how much at a time.

use super::ROWS;
use crate::sessions::sign_in;
use crate::testing::TestBank;
use store::Outcome;
use vocabulary::Secret;

const DAY: i64 = 86_400;

fn rows(test: &TestBank, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    test.bank.store().read_blocking(|snapshot| Ok(snapshot.reading().number(&sql, &[])?)).expect("reads")
}

async fn fail(test: &TestBank, name: &str) {
    let wrong = Secret::new("wrong horse battery".to_owned());
    assert!(sign_in(&test.bank, name, wrong).await.expect("no trouble").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_are_forgotten_after_the_policys_days_and_not_before() {
    let test = TestBank::new();
    fail(&test, "one@example.com").await;
    test.clock.advance(10 * DAY);
    fail(&test, "two@example.com").await;
    test.clock.advance(20 * DAY);
    test.run_jobs();
    assert_eq!(rows(&test, "sign_in_failure"), 2, "thirty days to the microsecond are not over");
    test.clock.advance(3_600);
    test.run_jobs();
    assert_eq!(rows(&test, "sign_in_failure"), 1, "the later one stays");
    test.clock.advance(10 * DAY);
    test.run_jobs();
    assert_eq!(rows(&test, "sign_in_failure"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_deletes_a_bounded_number_and_the_rest_follows_at_once() {
    let test = TestBank::new();
    test.run_jobs();
    let most = i64::from(ROWS);
    let filled = test.bank.store().write(move |uow| {
        for row in 0..2 * most + 1 {
            let hash = row.to_be_bytes();
            uow.execute(
                "INSERT INTO sign_in_failure(hash, failures, last) VALUES (?1, 1, ?2)",
                sql::params![&hash, row],
            )?;
            let sql =
                "INSERT INTO quote(id, actor, movement, fingerprint, fee, expires) VALUES (?1, ?1, 1, ?1, '', ?2)";
            uow.execute(sql, sql::params![&hash, row])?;
            let sql = "INSERT INTO session(hash, id, customer, created, expires) VALUES (?1, ?1, ?1, 0, ?2)";
            uow.execute(sql, sql::params![&hash, row])?;
        }
        Ok::<_, store::StoreError>(Outcome::<(), ()>::Done(()))
    });
    assert!(filled.await.is_ok());
    test.clock.advance(3_600);
    let once = test.bank.store().read_blocking(|snapshot| {
        let due = snapshot.due_jobs(&[super::JOB_SWEEP], 100)?;
        Ok(due.into_iter().find(|job| job.kind == super::JOB_SWEEP))
    });
    let job = once.expect("reads").expect("it is due");
    let bank = test.bank.clone();
    let twice = move || (0..2).try_for_each(|_| super::run_sweep(&bank, &job));
    tokio::task::spawn_blocking(twice).await.expect("no panic").expect("no trouble");
    for table in ["sign_in_failure", "quote", "session"] {
        assert_eq!(rows(&test, table), most + 1, "{table}: one run, however often its job comes");
    }
    test.run_jobs();
    for table in ["sign_in_failure", "quote", "session"] {
        assert_eq!(rows(&test, table), 0, "{table}");
    }
}
