"""What the W&B server of the tests answers to GraphQL, by the name of the operation."""

import itertools
import json
from typing import Any

ENTITY = "sandbox"
OWNER = {"id": "entity", "name": ENTITY}
VIEWER = {
    "id": "user", "entity": ENTITY, "username": ENTITY, "name": ENTITY, "email": "user@localhost",
    "admin": False, "flags": "{}", "teams": {"edges": []}, "apiKeys": {"edges": []}, "deletedAt": None,
}  # fmt: skip
FIXED: dict[str, Any] = {
    "Viewer": {"viewer": VIEWER},
    "GetViewer": {"viewer": VIEWER},
    "GetDefaultEntity": {"viewer": VIEWER},
    "ServerFeaturesQuery": {"serverInfo": {"features": []}},
    "MarkRunFilesUploaded": {"markRunFilesUploaded": {"success": True}},
    "FetchOrgEntityFromEntity": {"entity": {"organization": {"name": ENTITY, "orgEntity": {"name": ENTITY}}}},
    "OrganizationCoreWeaveOrganizationID": {"entity": {"organization": {"coreWeaveOrganizationId": ""}}},
    "OrgFeatureFlags": {"organization": {"featureFlags": []}},
    "XXHashDigestsEnabled": {"entity": {"xxhashDigestsEnabled": False}},
    "FetchArtifactDigestAlgorithm": {"project": {"artifactType": {"artifactCollection": None}}},
    "ArtifactType": {"project": {"artifact": None}},
}


class Downloads:
    """The answers to `wandb.Api()` about artifacts."""

    server: Any
    artifacts: dict[str, dict[str, Any]]
    asked_for: dict[str, str]  # by collection, the artifact that was looked up last

    def on_ArtifactMembershipByName(self, asked: dict[str, Any]) -> dict[str, Any]:
        collection, _, alias = asked["name"].partition(":")
        named = [each for each in self.artifacts.values() if each["artifactCollectionName"] == collection]
        found = [each for each in named if alias in [given["alias"] for given in each["aliases"] or []]]
        member = None
        if found:
            project = {"id": "project", "internalId": "1", "name": asked["project"], "entity": {"name": ENTITY}}
            place = {"__typename": "ArtifactSequence", "name": collection, "project": project}
            kept = found[-1]
            artifact = {
                "__typename": "Artifact", "id": kept["id"], "artifactSequence": place, "versionIndex": 0,
                "artifactType": {"name": kept["artifactTypeName"]}, "description": None, "metadata": kept["metadata"],
                "ttlDurationSeconds": 0, "ttlIsInherited": False, "tags": [], "historyStep": None, "size": 0,
                "state": "COMMITTED", "digest": kept["digest"], "commitHash": None, "fileCount": len(kept["files"]),
                "createdAt": "2026-01-01T00:00:00", "updatedAt": None, "aliases": [],
            }  # fmt: skip
            member = {
                "__typename": "ArtifactCollectionMembership", "id": "member", "versionIndex": 0, "aliases": [],
                "createdAt": "2026-01-01T00:00:00", "artifactCollection": place, "artifact": artifact,
            }  # fmt: skip
            self.asked_for[collection] = kept["id"]
        return {"project": {"artifactCollectionMembership": member}}

    def on_ArtifactManifest(self, asked: dict[str, Any]) -> dict[str, Any]:
        url = self.server.upload_url("artifact", asked.get("artifact_id") or asked["id"], "wandb_manifest.json")
        return {"artifact": {"currentManifest": {"file": {"directUrl": url}}}}

    on_FetchArtifactManifest = on_ArtifactManifest

    def on_ArtifactFileURLsByManifestEntries(self, asked: dict[str, Any]) -> dict[str, Any]:
        page = {"hasNextPage": False, "endCursor": None}
        return {"artifact": {"filesByManifestEntries": {"pageInfo": page, "edges": self._urls(asked["id"])}}}

    def on_ArtifactFileURLs(self, asked: dict[str, Any]) -> dict[str, Any]:
        page = {"hasNextPage": False, "endCursor": None}
        return {"artifact": {"files": {"pageInfo": page, "edges": self._urls(asked["id"])}}}

    def on_GetArtifactMembershipFileUrls(self, asked: dict[str, Any]) -> dict[str, Any]:
        edges = self._urls(self.asked_for[asked["collection"]])
        for edge in edges:
            edge["node"]["__typename"] = "File"
        files = {"pageInfo": {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}, "edges": edges}
        collection = {"__typename": "ArtifactSequence", "artifactMembership": {"files": files}}
        return {"project": {"artifactCollection": collection}}

    def _urls(self, owner: str) -> list[dict[str, Any]]:
        names = [name for name in self.artifacts[owner]["files"] if name != "wandb_manifest.json"]
        return [
            {"node": {"name": name, "directUrl": self.server.upload_url("artifact", owner, name)}} for name in names
        ]


class GraphQL(Downloads):
    """The answers that depend on what was asked before."""

    def __init__(self, server: Any, rewinds: bool):
        self.server, self.rewinds = server, rewinds
        self.artifacts: dict[str, dict[str, Any]] = {}
        self.asked_for: dict[str, str] = {}
        self.sweeps: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count(1)

    def answer(self, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        if operation in FIXED:
            return {"data": FIXED[operation]}
        method = getattr(self, f"on_{operation}", None)
        if method is None or (operation == "RewindRun" and not self.rewinds):
            if operation != "RewindRun":
                self.server.unknown.append(operation)
            return {"data": None, "errors": [{"message": f"unknown operation {operation}"}]}
        return {"data": method({**variables, **(variables.get("input") or {})})}

    def bucket(self, run: Any) -> dict[str, Any]:
        streams = {name: run.lines(f"wandb-{name}.jsonl") for name in ("history", "events")}
        telemetry = run.config.get("_wandb", {}).get("t")
        return {
            "id": f"id-{run.id}",
            "name": run.id,
            "displayName": run.fields.get("displayName") or run.id,
            "description": None,
            "notes": run.fields.get("notes"),
            "tags": run.fields.get("tags") or [],
            "sweepName": run.fields.get("sweep"),
            "config": json.dumps({key: {"value": value} for key, value in run.config.items()}),
            "summaryMetrics": json.dumps(run.summary),
            "wandbConfig": json.dumps({"t": telemetry} if telemetry else {}),
            "historyTail": json.dumps(streams["history"][-1:]),
            "eventsTail": json.dumps(streams["events"][-1:]),
            "historyLineCount": len(streams["history"]),
            "eventsLineCount": len(streams["events"]),
            "logLineCount": len(run.lines("output.log")),
            "state": "running" if run.exit_code is None else "failed" if run.exit_code else "finished",
            "project": {"id": "project", "name": run.project, "entity": OWNER},
        }

    def on_UpsertBucket(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked.get("name") or str(asked.get("id") or f"run{next(self.numbers)}").removeprefix("id-")
        new = name not in self.server.runs
        run = self.server.run_called(name, asked.get("project"))
        if asked.get("config"):
            run.config |= {key: each["value"] for key, each in json.loads(asked["config"]).items()}
        if asked.get("summaryMetrics"):
            run.streams["wandb-summary.json"] = {0: asked["summaryMetrics"]}
        ignored = ("config", "summaryMetrics", "id", "name", "project", "entity", "input")
        run.fields |= {key: value for key, value in asked.items() if key not in ignored and value is not None}
        return {"upsertBucket": {"bucket": self.bucket(run), "inserted": new}}

    def on_RunResumeStatus(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = self.server.runs.get(asked["name"])
        shown = self.bucket(run) if run else None
        return {"model": {"id": "project", "name": asked["project"], "entity": OWNER, "bucket": shown}}

    def on_RewindRun(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = self.server.runs[asked["runName"]]
        run.cut(int(asked["metricValue"]))
        return {"rewindRun": {"rewoundRun": self.bucket(run)}}

    def on_CreateRunFiles(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = asked["run"]
        files = [{"name": name, "uploadUrl": self.server.upload_url("run", run, name)} for name in asked["files"]]
        return {"createRunFiles": {"runID": f"id-{run}", "uploadHeaders": [], "files": files}}

    def on_NotifyScriptableRunAlert(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.server.runs[asked["runName"]].alerts.append(asked)
        return {"notifyScriptableRunAlert": {"success": True}}

    def on_CreateArtifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = f"artifact{next(self.numbers)}"
        artifact = {**asked, "id": name, "files": {}, "committed": False}
        self.artifacts[name] = artifact
        if asked.get("runName") in self.server.runs:
            self.server.runs[asked["runName"]].artifacts.append(artifact)
        sequence = {"artifactSequence": {"latestArtifact": None}}
        return {"createArtifact": {"artifact": {"id": name, "state": "PENDING", **sequence}}}

    def on_CreateArtifactFiles(self, asked: dict[str, Any]) -> dict[str, Any]:
        nodes = []
        for file in asked["artifactFiles"]:
            owner, name = file["artifactID"], file["name"]
            url = self.server.upload_url("artifact", owner, name)
            several = None
            if parts := file.get("uploadPartsInput"):
                urls = [
                    {"partNumber": each["partNumber"], "uploadUrl": f"{url}/{each['partNumber']}"} for each in parts
                ]
                several = {"uploadID": f"upload-{owner}", "uploadUrlParts": urls}
            node = {"storagePath": f"{owner}/{name}", "uploadUrl": url, "uploadHeaders": [], "artifact": {"id": owner}}
            nodes.append({"node": {**node, "uploadMultipartUrls": several}})
        return {"createArtifactFiles": {"files": {"edges": nodes}}}

    def on_CompleteMultipartUploadArtifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"completeMultipartUploadArtifact": {"digest": None}}

    def on_CreateArtifactManifest(self, asked: dict[str, Any]) -> dict[str, Any]:
        owner = asked["artifactID"]
        url = self.server.upload_url("artifact", owner, "wandb_manifest.json")
        file = {"id": f"file-{owner}", "uploadUrl": url, "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": f"manifest-{owner}", "file": file}}}

    def on_CommitArtifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        artifact = self.artifacts[asked["artifactID"]]
        artifact["committed"] = True
        return {"commitArtifact": {"artifact": {"id": artifact["id"], "digest": artifact["digest"]}}}

    def on_UseArtifact(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"useArtifact": {"artifact": {"id": asked["artifactID"]}}}

    def on_UpsertSweep(self, asked: dict[str, Any]) -> dict[str, Any]:
        import yaml

        name = asked.get("id") or f"sweep{next(self.numbers)}"
        new = {"id": name, "name": name, "state": "PENDING", "points": [], "runs": {"edges": []}}
        sweep = self.sweeps.setdefault(name, {**new, "project": asked.get("projectName")})
        sweep["state"] = asked.get("state") or sweep["state"]
        if asked.get("config"):
            config = yaml.safe_load(asked["config"])
            choices = {key: each.get("values", [each.get("value")]) for key, each in config["parameters"].items()}
            sweep["points"] = [dict(zip(choices, point, strict=True)) for point in itertools.product(*choices.values())]
            sweep |= {"config": asked["config"], "program": config.get("program")}
        shown = {"name": name, "project": {"id": "project", "name": sweep["project"], "entity": OWNER}}
        return {"upsertSweep": {"sweep": shown, "configValidationWarnings": []}}

    def on_SweepWithRuns(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"sweep": self.sweeps.get(asked["sweep"])}}

    def on_CreateAgent(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"createAgent": {"agent": {"id": asked["sweep"]}}}

    def on_Heartbeat(self, asked: dict[str, Any]) -> dict[str, Any]:
        sweep, commands = self.sweeps[asked["id"]], []
        if not json.loads(asked.get("runState") or "{}"):
            commands = [{"type": "exit"}]
            if sweep["points"]:
                point, name = sweep["points"].pop(0), f"swept{next(self.numbers)}"
                run = self.server.run_called(name, sweep["project"])
                run.fields["sweep"], run.config = sweep["name"], dict(point)
                words = {key: {"value": value} for key, value in point.items()}
                commands = [{"type": "run", "run_id": name, "args": words, "program": sweep["program"]}]
        return {"agentHeartbeat": {"agent": {"id": asked["id"]}, "commands": json.dumps(commands)}}
