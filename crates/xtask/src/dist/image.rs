//! The container image, as the archive of an OCI image layout, written without a daemon: a static program, the authorities of
//! the machine that builds it, and a folder for data. `skopeo copy oci-archive:FILE …` or `podman load` takes it.
//!
//! It runs as an account without a name of its own and writes nothing outside of its volume, so its root can be read-only.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::program::Build;
use super::release::{Release, output};
use super::tree::{Content, put};

/// The account that it runs as.
const ACCOUNT: &str = "10001";
/// The authorities that Debian's ca-certificates keeps, which the program trusts for the API and for Postgres.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Writes the image. Returns its file name, or why there is none.
pub(super) fn build(
    content: &Content<'_>,
    release: &Release,
    build: &Build,
    out: &Path,
) -> Result<Result<String, String>> {
    if !build.is_static() {
        return Ok(Err("it needs a static program".to_owned()));
    }
    let Ok(authorities) = fs::read(Path::new("/").join(AUTHORITIES)) else {
        return Ok(Err(format!("/{AUTHORITIES} is missing: apt-get install ca-certificates")));
    };
    let staged = tempfile::tempdir()?;
    let root = staged.path().join("root");
    put(&root.join("usr/bin/gazelle-sync"), &fs::read(content.program)?, 0o755)?;
    put(&root.join(AUTHORITIES), &authorities, 0o644)?;
    let people = format!("gazelle-sync:x:{ACCOUNT}:{ACCOUNT}::/data:/sbin/nologin\n");
    put(&root.join("etc/passwd"), people.as_bytes(), 0o644)?;
    put(&root.join("etc/group"), format!("gazelle-sync:x:{ACCOUNT}:\n").as_bytes(), 0o644)?;
    let layer = staged.path().join("layer.tar");
    tar(release, &root, "0", &["etc", "usr"], &layer, "--create")?;
    let own = staged.path().join("own");
    fs::create_dir_all(own.join("data"))?;
    fs::set_permissions(own.join("data"), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    tar(release, &own, ACCOUNT, &["data"], &layer, "--append")?;
    let uncompressed = sha256(&layer)?;
    let packed = staged.path().join("layer.tar.gz");
    fs::write(&packed, output(Command::new("gzip").args(["-9", "--no-name", "--stdout"]).arg(&layer))?)?;

    let layout = staged.path().join("layout");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let layer = blob(&blobs, &fs::read(&packed)?, "application/vnd.oci.image.layer.v1.tar+gzip")?;
    let config = serde_json::to_vec_pretty(&config(release, build, &uncompressed)?)?;
    let config = blob(&blobs, &config, "application/vnd.oci.image.config.v1+json")?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    });
    let mut manifest =
        blob(&blobs, &serde_json::to_vec_pretty(&manifest)?, "application/vnd.oci.image.manifest.v1+json")?;
    manifest["platform"] = json!({ "architecture": build.debian_architecture(), "os": "linux" });
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": release.version });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    });
    put(&layout.join("index.json"), &serde_json::to_vec_pretty(&index)?, 0o644)?;
    put(&layout.join("oci-layout"), b"{\"imageLayoutVersion\":\"1.0.0\"}", 0o644)?;
    let name = format!("gazelle-sync-{}-{}.oci.tar", release.version, build.architecture);
    tar(release, &layout, "0", &["blobs", "index.json", "oci-layout"], &out.join(&name), "--create")?;
    Ok(Ok(name))
}

/// What a runtime must know to start it.
fn config(release: &Release, build: &Build, layer: &str) -> Result<Value> {
    let seconds = release.epoch.parse().context("SOURCE_DATE_EPOCH is no number")?;
    let created = jiff::Timestamp::from_second(seconds)?.to_string();
    Ok(json!({
        "created": created,
        "architecture": build.debian_architecture(),
        "os": "linux",
        "config": {
            "User": format!("{ACCOUNT}:{ACCOUNT}"),
            "Env": ["PATH=/usr/bin", "GAZELLE_SYNC_DATA_DIR=/data"],
            "Entrypoint": ["/usr/bin/gazelle-sync"],
            "Cmd": ["serve"],
            "WorkingDir": "/data",
            "Volumes": { "/data": {} },
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "gazelle-sync",
                "org.opencontainers.image.version": release.version,
                "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
        "history": [{ "created": created, "created_by": "gazelle-sync xtask dist" }],
    }))
}

/// Writes some files and folders below `at` into a tar archive, as files of this account, in the order of their names.
fn tar(release: &Release, at: &Path, owner: &str, names: &[&str], to: &Path, how: &str) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.arg(how).arg("--file").arg(to).args(["--sort=name", "--format=gnu", "--numeric-owner"]);
    tar.arg(format!("--owner={owner}")).arg(format!("--group={owner}"));
    tar.arg(format!("--mtime=@{}", release.epoch)).arg("--directory").arg(at).args(names);
    output(&mut tar).map(drop)
}

fn sha256(file: &Path) -> Result<String> {
    let line = String::from_utf8(output(Command::new("sha256sum").arg(file))?)?;
    Ok(line.split_whitespace().next().context("sha256sum printed nothing")?.to_owned())
}

/// Keeps a blob below its hash. Returns its descriptor.
fn blob(blobs: &Path, bytes: &[u8], media_type: &str) -> Result<Value> {
    let new = blobs.join("new");
    put(&new, bytes, 0o644)?;
    let hash = sha256(&new)?;
    fs::rename(&new, blobs.join(&hash))?;
    Ok(json!({ "mediaType": media_type, "digest": format!("sha256:{hash}"), "size": bytes.len() }))
}
