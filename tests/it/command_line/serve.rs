//! `serve`, where it cannot start.

use smtp_connector_tests::cli::Cli;

#[tokio::test]
async fn what_keeps_the_service_from_starting_is_said_with_its_place() {
    for (arguments, code, said) in [
        (
            ["--store", "none/queue.db"],
            66,
            "the store `none/queue.db` cannot be used: No such file",
        ),
        (["--store", "mails.txt"], 66, "the store `mails.txt` cannot be used: it is a file of"),
        (["--store", "mysql://jo:hunter2@db/x"], 64, "or `postgres://…`, not `mysql://…`"),
        (["--listen", "192.0.2.1:80"], 75, "cannot listen at 192.0.2.1:80"),
        (["--listen", "8025"], 64, "`8025` is neither an address with a port"),
        (["--key-file", "mails.txt"], 66, "a key is not 32 octets in base64"),
        (["--config", "mails.txt"], 66, "`mails.txt` holds no settings"),
    ] {
        let command = Cli::new(["serve"]).args(&arguments);
        let outcome = command.file("mails.txt", "jo@example.org hunter2\n".repeat(50)).run().await;
        assert_eq!(outcome.code, Some(code), "{arguments:?}: {outcome:#?}");
        assert!(outcome.stderr.contains(said), "{arguments:?}: {outcome:#?}");
        assert!(!outcome.stderr.contains("smtpc_"), "{arguments:?}: {outcome:#?}");
    }
}
