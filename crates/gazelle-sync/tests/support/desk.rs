//! A person at the pages of a `serve`, who asks for actions and waits for their ends.

use serde_json::Value;

use super::World;
use super::people::{Caller, PageResponse, signed_in};
use super::service::{Serving, until};

/// A world that no run of the service's own changes, with an operator who is signed in.
pub struct OperatorSession {
    pub world: World,
    pub serving: Serving,
    pub operator: Caller,
}

/// The operator's name.
pub const OPERATOR: &str = "Opératrice Exemple";

impl OperatorSession {
    /// Over a world as it is.
    pub async fn for_world(mut world: World) -> OperatorSession {
        world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
        world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
        let serving = Serving::start(&world, &[]).await;
        let operator = signed_in(&world, &serving, OPERATOR, &["--role", "operator"]).await;
        OperatorSession { world, serving, operator }
    }

    /// Over a shop that was synced once.
    pub async fn with_full_sync() -> OperatorSession {
        let world = World::new().await;
        world.full_sync_ok().await;
        OperatorSession::for_world(world).await
    }

    /// Somebody of the office who is signed in.
    pub async fn sign_in_office(&self) -> Caller {
        signed_in(&self.world, &self.serving, "Bureau Exemple", &["--role", "office"]).await
    }

    /// Presses a button. Returns the id of the action.
    pub async fn submit(&self, path: &str, form: &[(&str, &str)]) -> String {
        submit_form(&self.operator, path, form).await
    }

    /// Waits for the end of an action, and returns its document.
    pub async fn wait_for_end(&self, id: &str) -> Value {
        ended(&self.operator, id).await
    }

    /// Presses a button and waits for the end of the action.
    pub async fn submit_and_wait(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let id = self.submit(path, form).await;
        self.wait_for_end(&id).await
    }

    /// The page of an action, for people.
    pub async fn page(&self, id: &str) -> String {
        let said = self.operator.get(&format!("/app/actions/{id}")).await;
        assert_eq!(said.status, 200, "{said:?}");
        said.body.replace('\u{a0}', " ")
    }

    /// Waits until the service is killed.
    pub async fn killed(self) -> Stopped {
        assert_eq!(self.serving.ended().await.code, None, "killed");
        Stopped { world: self.world, operator: self.operator }
    }

    /// Stops the service.
    pub async fn stopped(self) -> Stopped {
        assert_eq!(self.serving.stop().await.code, Some(0));
        Stopped { world: self.world, operator: self.operator }
    }

    pub async fn end(self) {
        assert_eq!(self.serving.stop().await.code, Some(0));
    }
}

/// The same without a service.
pub struct Stopped {
    pub world: World,
    operator: Caller,
}

impl Stopped {
    /// Starts a service again, with a variable set; the operator stays signed in.
    pub async fn started_with(mut self, name: &str, value: &str) -> OperatorSession {
        self.world.set(name, value);
        let serving = Serving::start(&self.world, &[]).await;
        let operator = Caller { base: serving.base.clone(), ..self.operator };
        until("the database is open", async || operator.get("/app/me").await.status == 200).await;
        OperatorSession { world: self.world, serving, operator }
    }
}

/// Presses a button. Returns the id of the action.
pub async fn submit_form(caller: &Caller, path: &str, form: &[(&str, &str)]) -> String {
    let said: PageResponse = caller.post(path, form).await;
    assert_eq!(said.status, 303, "{path} {form:?}: {said:?}");
    said.location().strip_prefix("/app/actions/").expect("the page of an action").to_owned()
}

/// Waits for the end of an action, and returns its document.
pub async fn ended(caller: &Caller, id: &str) -> Value {
    let document = async || {
        let said = caller.get(&format!("/app/actions/{id}.json")).await;
        serde_json::from_str::<Value>(&said.body).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    };
    until("the action has ended", async || !document().await["outcome"].is_null()).await;
    document().await
}
