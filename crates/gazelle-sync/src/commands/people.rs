//! `people`: who may sign in to the dashboard.

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::shared::context::Context;
use super::shared::opened::Opened;
use super::text::people::{invited_text, list_text};
use super::text::words::lists as w;
use crate::access::trust::owners;
use crate::alerts::{InvitationMail, InvitationText};
use crate::cli::{PeopleAction, PeopleArgs, RoleFlags};
use crate::db::Db;
use crate::migrate;
use crate::people::secrets::Token;
use crate::people::{self, Invite, PersonChangeError};

/// Runs the chosen action.
///
/// # Errors
/// The database's, and those of a name, a role or an id that does not fit.
pub async fn run(context: &Context, args: PeopleArgs) -> Result<u8> {
    let action = args.into_action();
    let reads = matches!(action, PeopleAction::List);
    // Before anything is made: a link that cannot be mailed would be lost.
    let mail = mail(context, &action)?;
    let opened = match reads {
        true => Opened::open_to_read(&context.settings).await?,
        false => Opened::open_or_create(&context.settings).await?,
    };
    let outcome = async {
        if !reads {
            migrate::prepare(&opened.db).await?;
            owners::check(&opened.db).await?;
        }
        match action {
            PeopleAction::List => list(context, &opened.db).await,
            PeopleAction::Invite { name, role, language, .. } => {
                invite(context, &opened.db, (&name, &role), (language.as_deref(), mail)).await
            }
            PeopleAction::Role { name, role } => change_role(context, &opened.db, &name, &role).await,
            PeopleAction::Disable { name } => disable(context, &opened.db, &name).await,
            PeopleAction::SignOut { name } => sign_out(context, &opened.db, &name).await,
        }
    }
    .await;
    opened.close().await?;
    outcome
}

async fn list(context: &Context, db: &Db) -> Result<u8> {
    // A reading command creates no tables: without them there are no people either.
    let people = match migrate::is_readable(db).await? {
        true => {
            let mut connection = db.connection().await?;
            let tx = connection.begin().await?;
            people::list(&tx).await?
        }
        false => Vec::new(),
    };
    context.print(&people, || list_text(&people, &context.locale()))?;
    Ok(0)
}

async fn invite(
    context: &Context,
    db: &Db,
    (name, role): (&str, &RoleFlags),
    (language, mail): (Option<&str>, Option<InvitationMail>),
) -> Result<u8> {
    let invite = Invite {
        name,
        role: role.role,
        technician: role.technician.as_deref(),
        language: language.and_then(|language| language.parse().ok()),
        by: None,
        must_be_new: false,
    };
    let invitation = match people::invite(db, &invite, Token::random()?).await? {
        Ok(invitation) => invitation,
        Err(refusal) => bail!(refusal_text(refusal, name)),
    };
    let link = context.settings.dashboard_address(&format!("/app/enter/{}", invitation.link.text()));
    if let Some(mail) = &mail {
        let text = InvitationText { name, link: &link, expires_at: invitation.expires_at };
        if let Err(error) = mail.send(text, Timestamp::now()).await {
            bail!(
                "{} was invited, and the link could not be mailed: {error}; invite again for a new link",
                invitation.person.name
            );
        }
    }
    // What was mailed is shown nowhere else.
    let shown = mail.is_none().then_some(link.as_str());
    let document = json!({
        "person": invitation.person,
        "is_new": invitation.is_new,
        "link": shown,
        "is_mailed": mail.is_some(),
        "expires_at": invitation.expires_at,
    });
    context.print(&document, || invited_text(&invitation, shown, &context.locale()))?;
    Ok(0)
}

/// The mail that an invitation asks for.
fn mail(context: &Context, action: &PeopleAction) -> Result<Option<InvitationMail>> {
    let PeopleAction::Invite { email: Some(address), language, .. } = action else { return Ok(None) };
    let language = language.as_deref().and_then(|language| language.parse().ok());
    Ok(Some(InvitationMail::to(&context.settings, address, language)?))
}

async fn change_role(context: &Context, db: &Db, name: &str, role: &RoleFlags) -> Result<u8> {
    let id = named(db, name).await?;
    match people::change_role(db, id, (role.role, role.technician.as_deref()), None).await? {
        Ok(person) => {
            let facts = [("name", person.name.as_str()), ("role", person.role.as_str())];
            context.print(&person, || context.locale().fill(w::ROLE_IS_NOW, &facts))?;
            Ok(0)
        }
        Err(refusal) => bail!(refusal_text(refusal, name)),
    }
}

async fn disable(context: &Context, db: &Db, name: &str) -> Result<u8> {
    let id = named(db, name).await?;
    match people::disable(db, id, None).await? {
        Ok(person) => {
            context.print(&person, || context.locale().fill(w::IS_DISABLED, &[("name", &person.name)]))?;
            Ok(0)
        }
        Err(refusal) => bail!(refusal_text(refusal, name)),
    }
}

async fn sign_out(context: &Context, db: &Db, name: &str) -> Result<u8> {
    let id = named(db, name).await?;
    let ended = people::end_all(db, id).await?;
    context.print(&json!({ "id": id, "sessions_ended": ended }), || {
        context.locale().fill(w::SESSIONS_ENDED, &[("n", &ended.to_string())])
    })?;
    Ok(0)
}

/// The id of the person with a name.
async fn named(db: &Db, name: &str) -> Result<Uuid> {
    match people::by_name(db, name).await? {
        Some(id) => Ok(id),
        None => bail!(refusal_text(PersonChangeError::Nobody, name)),
    }
}

fn refusal_text(refusal: PersonChangeError, name: &str) -> String {
    match refusal {
        PersonChangeError::Name => "a name has 1 to 80 characters, all visible".to_owned(),
        PersonChangeError::TechnicianMissing => "a technician needs --technician ID".to_owned(),
        PersonChangeError::TechnicianUnknown => {
            "no user with this id is stored: the ids are in gazelle_users (external_id)".to_owned()
        }
        PersonChangeError::Nobody => format!("there is no person {name:?} (gazelle-sync people lists them)"),
        PersonChangeError::Exists(_) => format!("somebody has the name {name:?} already"),
        PersonChangeError::Oneself => "nobody changes their own role".to_owned(),
    }
}
