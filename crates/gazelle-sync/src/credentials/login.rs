//! A login: the user agrees in a browser, the authorization code returns, and is exchanged for tokens that are
//! stored.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use secrecy::SecretString;
use url::Url;

use super::callback::{self, Callback, CallbackResult};
use crate::source::{OauthLogin, TokenStore, Tokens};

/// The options of a login.
#[derive(Debug, Clone, Copy)]
pub struct Login {
    /// The loopback port that the browser returns to; 0 chooses a free one.
    pub port: u16,
    /// How long to wait for the user.
    pub patience: Duration,
    /// Whether the user pastes the URL that the browser was redirected to, instead of the browser calling us.
    pub paste: bool,
}

/// Logs in and stores the tokens. `tell` receives the URL that the user has to open.
///
/// # Errors
/// Nobody returned in time, the state is wrong, the user or Gazelle refused, or the tokens cannot be stored.
pub async fn login(
    client: &OauthLogin,
    store: &dyn TokenStore,
    how: Login,
    tell: impl Fn(&str),
) -> Result<Tokens> {
    let state = random_word()?;
    let verifier = SecretString::from(random_word()?);
    // With `paste` no listener is needed.
    let callback = match how.paste {
        true => None,
        false => Some(Callback::open(how.port).await?),
    };
    let redirect_uri = callback.as_ref().map_or_else(|| callback::uri(how.port), Callback::redirect_uri);
    // Checks first that tokens can be stored, so that no grant is wasted.
    drop(store.lock().await?);
    tell(&client.address(&redirect_uri, &state, &verifier));
    let received = match callback {
        Some(callback) => callback.answer(&state, how.patience).await?,
        None => pasted(&state, how.patience).await?,
    };
    let code = match received {
        CallbackResult::Code(code) => code,
        CallbackResult::Refused(word) if word == "access_denied" => {
            bail!("the login was declined at Gazelle (access_denied): nothing was changed")
        }
        CallbackResult::Refused(word) => bail!("Gazelle refused the login ({word}): nothing was changed"),
    };
    let tokens = exchange(client, &code, &redirect_uri, &verifier).await?;
    store.lock().await?.save(tokens.clone()).await?;
    Ok(tokens)
}

async fn exchange(
    client: &OauthLogin,
    code: &SecretString,
    redirect_uri: &str,
    verifier: &SecretString,
) -> Result<Tokens> {
    client.tokens(code, redirect_uri, verifier).await.with_context(|| {
        format!("no tokens for the code of the login (is {redirect_uri} registered with the application at Gazelle?)")
    })
}

/// Reads the redirect URL from the terminal.
async fn pasted(state: &str, patience: Duration) -> Result<CallbackResult> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // In a thread of its own that is never joined, because reading from a terminal cannot be cancelled.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = sender.send(std::io::stdin().read_line(&mut line).map(|_| line));
    });
    let line = match tokio::time::timeout(patience, receiver).await {
        Ok(line) => line??,
        Err(_) => bail!("nothing was pasted within {} s", patience.as_secs()),
    };
    let Ok(url) = Url::parse(line.trim()) else {
        bail!(
            "what was pasted is no address: paste all of what the browser's address line shows after you agreed; it \
             begins with http://127.0.0.1"
        )
    };
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    callback::read(&query, state).map_err(anyhow::Error::msg)
}

/// 256 random bits as text.
fn random_word() -> Result<String> {
    let mut bytes = [0; 32];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bail!("this machine gives no random numbers");
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::random_word;

    #[test]
    fn words_of_a_login_are_256_bits_that_all_vary() {
        let words: Vec<String> = (0..200).map(|_| random_word().unwrap()).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
        for word in &words {
            assert!(word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()), "{word}");
        }
        // Each of the 64 digits takes most of its 16 values: that one takes 7 or fewer of 200 has no chance.
        for at in 0..64 {
            let values: BTreeSet<u8> = words.iter().map(|word| word.as_bytes()[at]).collect();
            assert!(values.len() > 7, "digit {at} takes {} values", values.len());
        }
    }
}
