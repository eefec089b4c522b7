"""Every kind of job and the function that does its steps; see `jobs.runner` for how to add one."""

from collections.abc import Mapping

from feed_service.commands import account_deletion
from feed_service.commands.bulk import chunks, uploads
from feed_service.commands.jobs import Step

KINDS: Mapping[str, Step] = {
    account_deletion.JOB: account_deletion.step,
    uploads.JOB: chunks.do_chunk,
}
