"""Files coming into a storage: uploads and downloads. Nothing ever leaves the simulator: bodies are made up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ..call import ApiError, Call, ParameterError, TaskError, operation
from ..model import storage, volume_names, web
from ..tasks import Task

BASENAME = re.compile(r'^.*[/\\]')
UNSAFE = re.compile(r'[^a-zA-Z0-9_.-]')
IMAGE = {'.qcow2': 'qcow2', '.raw': 'raw', '.vmdk': 'vmdk'}


@dataclass(frozen=True, slots=True)
class Checksum:
    algorithm: str
    expected: str


def clean_name(name: str) -> str:
    """The file name without folders, with anything unusual replaced by '_'."""
    return UNSAFE.sub('_', BASENAME.sub('', name.rstrip('\n')))


def check_file_name(name: str, content: str, what: str) -> None:
    """Raise for a name whose extension does not fit the content, or a content that cannot be brought in this way."""
    patterns = {'iso': volume_names.ISO, 'vztmpl': volume_names.TEMPLATE, 'import': volume_names.UPLOAD_IMPORT}
    if content not in patterns:
        raise ParameterError({'content': f"{what} content type '{content}' not allowed"})
    if not patterns[content].search(name) or name.startswith('.'):
        text = 'invalid filename or wrong extension' if content == 'import' else 'wrong file extension'
        raise ParameterError({'filename': text})


def checksum_of(call: Call) -> Checksum | None:
    if not call.params.get('checksum'):
        return None
    return Checksum(call.params['checksum-algorithm'], call.params['checksum'].lower())


def store(call: Call, volid: str, content: str, size: int, task: Task) -> None:
    """Put a finished file into the storage; one that was there is replaced."""
    name = volid.rsplit('/', 1)[-1]
    fmt = name.rsplit('.', 1)[-1] if content == 'import' else 'raw'
    volume = storage.Volume(volid, content, fmt, size, size, ctime=int(task.now()))
    storage.add(call.cluster, call.node.name, volume)


def room_for(call: Call, storeid: str, volid: str) -> int:
    """Bytes that a file of that name may have, the one that it replaces counted as free."""
    old = storage.find(call.cluster, call.node.name, volid)
    return storage.space(call.cluster, call.node.name, storeid).avail + (old.used if old else 0)


@operation('POST', '/nodes/{node}/storage/{storage}/upload')
def upload(call: Call) -> str:
    params, body = call.params, call.upload or {}
    storeid, content = params['storage'], params['content']
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    need_files(config, 'upload')
    name = clean_name(params['filename'])
    check_file_name(name, content, 'upload')
    if content not in storage.contents(config):
        raise ApiError(f"storage '{storeid}' does not support '{content}' content")
    if not body:
        raise ApiError('no tmpfilename - internal error')
    temporary = params.get('tmpfilename') or f'/var/tmp/pveupload-{hashlib.md5(name.encode()).hexdigest()}'
    arriving = Arriving(call, f'{storeid}:{content}/{name}', f'{volume_names.content_folder(config, content)}/{name}',
                        int(body['size']), temporary, checksum_of(call), body)
    return call.task('imgcopy', None, arriving.worker)


def need_files(config: dict, what: str) -> None:
    if not storage.type_of(config).file_based:
        raise ApiError(f"can't {what} to storage type '{config['type']}', not a file based storage!")


@dataclass(frozen=True, slots=True)
class Arriving:
    """An uploaded file on its way from the server's temporary file into the storage."""

    call: Call
    volid: str
    path: str
    size: int
    temporary: str
    checksum: Checksum | None
    body: dict

    def worker(self, task: Task) -> Generator:
        task.log(f'starting file import from: {self.temporary}')
        if self.checksum:
            compare(task, self.checksum, body_digest(self.body, self.checksum.algorithm), 'calculating checksum...')
        task.log(f'target node: {self.call.node.name}')
        task.log(f'target file: {self.path}')
        task.log(f'file size is: {web.short_size(self.size)}')
        task.log(f'command: cp -- {self.temporary} {self.path}')
        yield self.size / 500e6
        storeid, dummy, rest = self.volid.partition(':')
        if self.size > room_for(self.call, storeid, self.volid):
            raise TaskError(f"import failed: cp: error writing '{self.path}': No space left on device")
        store(self.call, self.volid, rest.partition('/')[0], self.size, task)
        task.log('finished file import successfully')


def compare(task: Task, checksum: Checksum, got: str, lead: str) -> None:
    if got != checksum.expected:
        task.log(lead)
        raise TaskError(f"checksum mismatch: got '{got}' != expect '{checksum.expected}'")
    task.log(f'{lead}OK, checksum verified')


def body_digest(body: dict, algorithm: str) -> str:
    """The checksum of an upload: as the server took it while it read, or of the content when it is whole."""
    known = body.get('checksums') or {}
    if algorithm in known:
        return known[algorithm]
    return hashlib.new(algorithm, body.get('content', b'')).hexdigest()


@operation('POST', '/nodes/{node}/storage/{storage}/download-url')
def download_url(call: Call) -> str:
    params = call.params
    storeid, content, url = params['storage'], params['content'], params['url']
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    need_files(config, 'upload')
    if content not in storage.contents(config):
        raise ApiError(f"storage '{storeid}' is not configured for content-type '{content}'")
    name = clean_name(params['filename'])
    check_file_name(name, content, 'upload')
    path = f'{volume_names.content_folder(config, content)}/{name}'
    getting = Getting(call, url, f'{storeid}:{content}/{name}', path, checksum_of(call), params.get('compression'))
    return call.task('download', name, getting.worker)


@dataclass(frozen=True, slots=True)
class Getting:
    """A file being fetched: what wget and PVE::Tools::download_file_from_url print."""

    call: Call
    url: str
    volid: str
    path: str
    checksum: Checksum | None
    compression: str | None = None

    def worker(self, task: Task) -> Generator:
        task.log(f'downloading {self.url} to {self.path}')
        if self.have_it_already(task):
            return
        page = web.look_up(self.url)
        task.log(f'--{web.clock_text(task.now())}--  {self.url}')
        temporary = f'{self.path}.tmp_dwnl.{task.pid}'
        storeid = self.volid.partition(':')[0]
        yield from web.fetch(task, page, temporary, room_for(self.call, storeid, self.volid))
        if self.checksum:
            compare(task, self.checksum, page.digest(self.checksum.algorithm), 'calculating checksum...')
        if self.compression:
            task.log(f'decompressing {temporary} to {self.path}.tmp_dcom.{task.pid}')
        content = self.volid.partition(':')[2].partition('/')[0]
        store(self.call, self.volid, content, page.size * (2 if self.compression else 1), task)
        task.log(f"download of '{self.url}' to '{self.path}' finished")

    def have_it_already(self, task: Task) -> bool:
        """Whether the very file is there; another of its name is never replaced."""
        volume = storage.find(self.call.cluster, self.call.node.name, self.volid)
        if volume is None:
            return False
        if not self.checksum:
            raise TaskError(f"refusing to override existing file '{self.path}'")
        page = web.look_up(self.url)
        if volume.size == page.size and page.digest(self.checksum.algorithm) == self.checksum.expected:
            task.log('calculating checksum of existing file...OK, got correct file already, no need to download')
            return True
        task.log('calculating checksum of existing file...')
        found = page.digest(self.checksum.algorithm)
        raise TaskError(f"checksum mismatch: got '{found}' != expect '{self.checksum.expected}', aborting")


@operation('GET', '/nodes/{node}/query-url-metadata')
def query_url_metadata(call: Call) -> dict:
    url = call.params['url']
    page = web.look_up(url)
    if not page.host:
        raise ApiError(f"invalid server response: '400 {page.trouble or 'URL must be absolute'}'")
    if page.trouble:
        host, port = page.host, page.port
        why = 'Connection refused' if page.refused else 'Name or service not known'
        raise ApiError(f"invalid server response: '500 Can't connect to {host}:{port} ({why})'")
    if page.status != 200:
        raise ApiError(f"invalid server response: '{page.status} {page.reason}'")
    answer = {'size': page.size, 'mimetype': page.mimetype}
    if name := unquote(urlsplit(url).path).rsplit('/', 1)[-1]:
        answer['filename'] = name
    return answer


@operation('GET', '/nodes/{node}/query-oci-repo-tags', releases=('9',))
def query_oci_repo_tags(call: Call) -> list:
    return ['latest', '1', '1.0']


@operation('POST', '/nodes/{node}/storage/{storage}/oci-registry-pull', releases=('9',))
def oci_registry_pull(call: Call) -> str:
    params = call.params
    storeid, reference = params['storage'], params['reference']
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    need_files(config, 'upload')
    if 'vztmpl' not in storage.contents(config):
        raise ApiError(f"storage '{storeid}' is not configured for content-type 'vztmpl'")
    name = clean_name(params.get('filename') or reference.rsplit('/', 1)[-1].replace(':', '_'))
    name = name if name.endswith('.tar') else f'{name}.tar'
    volid = f'{storeid}:vztmpl/{name}'
    if storage.find(call.cluster, call.node.name, volid) is not None:
        raise ParameterError({'filename': f"file '{name}' already exists on storage '{storeid}'"})

    def worker(task: Task) -> Generator:
        path = f'{volume_names.content_folder(config, "vztmpl")}/{name}'
        task.log(f'pulling {reference} to {path}')
        size = web.size_of(reference)
        yield size / 100e6
        store(call, volid, 'vztmpl', size, task)
        task.log(f"pull of '{reference}' to '{path}' finished")

    return call.task('ocipull', reference.replace(':', '_').replace('/', '_'), worker)
