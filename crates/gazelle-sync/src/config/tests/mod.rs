mod documentation;
mod language;
mod layering;
mod problems;
mod secrets;

use super::*;

/// Layers with a settings file in a folder of its own.
struct Case {
    layers: Layers,
    folder: tempfile::TempDir,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let layers = Layers { working_dir: folder.path().to_owned(), ..Layers::default() };
    Case { layers, folder }
}

impl Case {
    fn file(self, text: &str) -> Self {
        std::fs::write(self.folder.path().join(DEFAULT_FILE), text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.layers.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn flag(mut self, key: &'static str, name: &'static str, value: &str) -> Self {
        self.layers.flags.push(Flag { key, name, value: value.to_owned() });
        self
    }

    fn load(&self) -> Result<Settings, SettingsError> {
        Settings::load(&self.layers)
    }

    fn good(&self) -> Settings {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(&self) -> String {
        self.load().expect_err("the settings are wrong").to_string()
    }
}

#[track_caller]
fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is missing in: {error}");
    }
}
