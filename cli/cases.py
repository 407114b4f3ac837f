"""``lukou cases | show | verify | export``: looking at what was found, and proving that nothing was changed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cases.record import case_record
from cases.records import CaseRecord, QueueFilter
from cases.states import CaseState
from cases.store import CaseStore
from cli.boundary import DIFFERS
from cli.console import clock_text, count_text, emit, offset_text, out, say, show_pairs, show_table
from cli.custody import media_dir, stamp_check
from cli.home import JsonOption, OutOption, open_cases, settings_for
from core.catalogue import catalogue
from core.errors import ConfigError
from core.settings import Settings
from core.time import seconds
from evidence.export import export_package
from evidence.seal import Vault
from evidence.verify import Verdict, verify_case, verify_path, verify_store

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Case id, as `lukou cases` prints it.")]


def list_cases(
    out_dir: OutOption = None,
    state: Annotated[CaseState | None, typer.Option(help="Only cases in this state.", case_sensitive=False)] = None,
    violation: Annotated[str | None, typer.Option(metavar="V01", help="Only cases of this rule.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, oldest first.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Lists the cases found so far and where each stands in review."""
    wanted = QueueFilter(state=state, violation_id=violation, limit=limit)
    with open_cases(settings_for(out_dir)) as store:
        records, total = store.queue(wanted), store.count(wanted)
        runs = store.runs()
    if as_json:
        emit([case_facts(record) for record in records])
        return
    show_table(
        count_text(total, "case"),
        ("case", "rule", "what", "time", "place", "state"),
        [
            (
                r.case_id,
                r.violation_id,
                catalogue().get(r.violation_id).short_zh,
                clock_text(r.occurred_utc),
                r.place,
                r.state.value,
            )
            for r in records
        ],
    )
    undecided = sum(run.undecided_total for run in runs)
    if undecided:
        say(f"{undecided} possible offences could not be decided; they are counted, not shown as cases", style="yellow")


def show(case_id: CaseArgument, out_dir: OutOption = None, as_json: JsonOption = False) -> None:
    """Shows one case: what was measured, who decided what, where its evidence lies."""
    settings = settings_for(out_dir)
    with open_cases(settings) as store:
        record = store.get(case_id)
    vault = open_vault(settings)
    manifest = vault.manifest(case_id).model_dump(mode="json")
    if as_json:
        emit({**case_facts(record), "package": str(vault.path(case_id)), "manifest": manifest})
        return
    entry = catalogue().get(record.violation_id)
    lines = {
        "case": record.case_id,
        "what": f"{record.violation_id} {entry.short_zh} ({entry.name_en})",
        "time": clock_text(record.occurred_utc),
        "in footage": f"{offset_text(seconds(record.onset_ns))} of session {record.session_id}",
        "place": " ".join(part for part in (record.place, record.direction) if part),
        "camera": record.camera_id,
        "subject": record.subject.lower(),
        "state": record.state.value,
        "device": "; ".join(manifest["device"].get("failed_gates", ())) or "no gate failed",
        "look at": ", ".join(record.cues) or "nothing special",
        "package": str(vault.path(case_id)),
        "manifest": record.manifest_sha256,
    }
    show_pairs("", lines)
    show_pairs("\nMeasured", {k: str(v) for k, v in manifest["rule"]["facts"].items()})
    if not record.reviews:
        return
    out().print()
    show_table(
        "Decisions",
        ("stage", "person", "decision", "reason", "time"),
        [
            (r.stage.value, r.officer, r.decision.value, r.reason or "", clock_text(r.decided_utc))
            for r in record.reviews
        ],
    )


def verify(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[PATH|CASE]",
            help="A package folder, a store folder or a case id. Left out: everything under --out, review records too.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="PEM", help="Trust only this public key, as published by the authority."),
    ] = None,
    out_dir: OutOption = None,
    as_json: JsonOption = False,
) -> int | None:
    """Proves that sealed evidence is unchanged, or names what changed (exit code 1)."""
    pem = _read_key(key)
    if target is not None and Path(target).exists():
        name, verdict = target, _verify_path(Path(target), pem)
    else:
        settings = settings_for(out_dir)
        with open_cases(settings) as store:
            name, verdict = _verify_home(settings, store, target, pem)
    if as_json:
        emit({"target": name, "is_valid": verdict.is_valid, "problems": list(verdict.problems)})
    elif verdict.is_valid:
        out().print(f"VALID {name}: nothing was changed", style="green", soft_wrap=True)
        if key is None and target is not None and Path(target).exists():
            say("checked against the key lying beside it; give --key to prove who sealed it", style="yellow")
    else:
        for problem in verdict.problems:
            out().print(f"CHANGED {problem}", style="red", markup=False, soft_wrap=True)
    return None if verdict.is_valid else DIFFERS


def export(
    case_id: CaseArgument,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder, or name of the zip file, to write.")] = Path(),
    folder: Annotated[bool, typer.Option("--folder", help="Write a folder instead of a zip file.")] = False,
    out_dir: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Writes one case with all its proofs, a dossier (PDF) and a verifier that runs without Lukou."""
    settings = settings_for(out_dir)
    vault = open_vault(settings)
    with open_cases(settings) as store:
        record = case_record(store, case_id, vault.pseudonym)
    dossier = _dossier(vault, case_id, record)
    target = export_package(vault, case_id, to, record, dossier=dossier, is_zipped=not folder)
    if as_json:
        emit({"case_id": case_id, "path": str(target), "dossier": dossier is not None})
        return
    out().print(str(target), soft_wrap=True)
    say("anybody can check it without Lukou: README.txt inside says how")


def _dossier(vault: Vault, case_id: str, record: Mapping[str, Any]) -> bytes | None:
    """Returns the dossier; None, said aloud, when this machine cannot write Chinese."""
    from api.labels import Labels
    from evidence.dossier import CaseFile, build_dossier

    pictures = {name: vault.read(case_id, name) for name in vault.names(case_id) if name.endswith(".jpg")}
    case = CaseFile(
        manifest=vault.manifest(case_id),
        entry=json.loads(vault.chain_entry(case_id)),
        record=record,
        way=vault.way_to_root(case_id),
    )
    try:
        return build_dossier(case, pictures, Labels("zh"))
    except ConfigError as error:
        say(f"{error.message}; exported without it", style="yellow")
        return None


def open_vault(settings: Settings) -> Vault:
    """Returns the evidence store of a folder of results."""
    return Vault(settings.evidence_dir, settings.keys_dir)


def case_facts(record: CaseRecord) -> dict[str, Any]:
    """Returns a case as JSON for machines."""
    return {
        "case_id": record.case_id,
        "violation_id": record.violation_id,
        "name_zh": catalogue().get(record.violation_id).short_zh,
        "occurred_utc": record.occurred_utc.isoformat() if record.occurred_utc else None,
        "onset_s": seconds(record.onset_ns),
        "session_id": record.session_id,
        "site_id": record.site_id,
        "camera_id": record.camera_id,
        "place": record.place,
        "direction": record.direction,
        "subject": record.subject,
        "cues": list(record.cues),
        "state": record.state.value,
        "manifest_sha256": record.manifest_sha256,
        "reviews": [
            {"stage": r.stage.value, "officer": r.officer, "decision": r.decision.value, "reason": r.reason}
            for r in record.reviews
        ],
    }


def entries_known(store: CaseStore) -> Mapping[str, str]:
    """Returns the hash of every case's chain entry as the database remembers it."""
    return {record.case_id: record.entry_sha256 for record in store.queue(QueueFilter(limit=1_000_000))}


def _verify_path(path: Path, pem: bytes | None) -> Verdict:
    verdict = verify_path(path, public_key_pem=pem)
    if verdict is None:
        raise ConfigError(
            f"{path} is neither a package nor a store: no manifest.json and no chain/ in it", path=str(path)
        )
    return verdict


def _verify_home(settings: Settings, store: CaseStore, case_id: str | None, pem: bytes | None) -> tuple[str, Verdict]:
    vault = open_vault(settings)
    trusted = pem or vault.public_key_pem
    if case_id is not None:
        record = store.get(case_id)
        verdict = verify_case(settings.evidence_dir, vault.path(case_id), public_key_pem=trusted)
        problems = (*verdict.problems, *_record_problems(vault, record, verdict), *store.verify_audit())
        return case_id, Verdict(is_valid=not problems, problems=problems)
    verdict = verify_store(settings.evidence_dir, public_key_pem=trusted, expected_entries=entries_known(store))
    custody = store.custody.problems(vault, media_dir(settings), stamp_check(settings))
    problems = (*verdict.problems, *custody, *store.verify_audit())
    return str(settings.home), Verdict(is_valid=not problems, problems=problems)


def _record_problems(vault: Vault, record: CaseRecord, verdict: Verdict) -> list[str]:
    """Returns where a package that is sound by itself is not the one this case was filed with."""
    if not verdict.is_valid:
        return []
    tombstone = vault.tombstone(record.case_id)
    if tombstone is None:
        sealed = vault.sealed(record.case_id)
        found = (sealed.manifest_sha256, sealed.entry_sha256)
    else:
        found = (tombstone["manifest_sha256"], tombstone["entry_sha256"])
    problems = []
    if found[0] != record.manifest_sha256:
        problems.append("manifest.json: not the one this case was filed with")
    if found[1] != record.entry_sha256:
        problems.append("chain entry: not the one this case was filed with")
    return problems


def _read_key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"key {path} cannot be read ({error.strerror}); check the path", path=str(path)) from error
