# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads and downloads: names, checksums, progress, room; nothing is ever fetched from outside."""
from __future__ import annotations

import hashlib

import pytest
from pvesim.model import web

BODY = b'abc' * 1000
SUMS = {name: hashlib.new(name, BODY).hexdigest() for name in ('md5', 'sha256')}
UPLOAD = {'filename': 'x.iso', 'size': len(BODY), 'content': BODY, 'checksums': SUMS}
WHERE = '{here}/storage/local/'


def test_an_upload_with_its_checksum_lies_in_the_storage(site):
    exitstatus, log = site.run('POST', WHERE + 'upload', upload=UPLOAD, content='iso', filename='my disc.iso',
                               checksum=SUMS['sha256'].upper(), checksum__algorithm='sha256')
    assert (exitstatus, log[-2]) == ('OK', 'finished file import successfully')
    assert {'volid': 'local:iso/my_disc.iso', 'size': len(BODY)}.items() <= {
        row['volid']: row for row in site.get(WHERE + 'content', content='iso')}['local:iso/my_disc.iso'].items()


def test_an_upload_with_a_wrong_checksum_is_thrown_away(site):
    exitstatus, _log = site.run('POST', WHERE + 'upload', upload=UPLOAD, content='iso', filename='my.iso', checksum='00',
                                checksum__algorithm='sha256')
    assert exitstatus == f"checksum mismatch: got '{SUMS['sha256']}' != expect '00'"
    assert 'local:iso/my.iso' not in {row['volid'] for row in site.get(WHERE + 'content')}


@pytest.mark.parametrize(('content', 'name', 'text'), [
    ('iso', 'x.txt', 'wrong file extension'), ('vztmpl', 'x.zip', 'wrong file extension'),
    ('import', 'x.iso', 'invalid filename or wrong extension'),
])
def test_a_name_must_fit_its_content(site, content, name, text):
    for path, more in (('upload', {'upload': UPLOAD}), ('download-url', {'url': 'http://example.test/x'})):
        assert site.send('POST', WHERE + path, content=content, filename=name, **more)[2] == {'filename': text}


def test_a_download_shows_progress_and_has_the_size_asked_for(site):
    exitstatus, log = site.run('POST', WHERE + 'download-url', content='iso', filename='d.iso',
                               url='https://example.test/d.iso?size=100M')
    assert exitstatus == 'OK'
    assert log[0].startswith('downloading https://example.test/d.iso')
    assert any('100%' in line for line in log)
    assert site.get(WHERE + 'content/local:iso/d.iso')['size'] == 100 << 20


def test_a_download_is_checked_and_not_repeated(site):
    url = 'https://example.test/d.iso?size=1M'
    good = {'content': 'iso', 'filename': 'd.iso', 'url': url, 'checksum__algorithm': 'md5',
            'checksum': web.look_up(url).digest('md5')}
    assert site.run('POST', WHERE + 'download-url', **good)[0] == 'OK'
    assert 'no need to download' in site.run('POST', WHERE + 'download-url', **good)[1][1]
    assert site.run('POST', WHERE + 'download-url', **{**good, 'filename': 'e.iso', 'checksum': '00'})[0].startswith('checksum mismatch')


@pytest.mark.parametrize(('url', 'text'), [
    ('http://127.0.0.1:9/x.iso', 'download failed: Connecting to 127.0.0.1:9... failed: Connection refused.'),
    ('http://nowhere.invalid/x.iso', "download failed: wget: unable to resolve host address 'nowhere.invalid'"),
    ('http://example.test/x.iso?size=900G', 'No space left on device'),
    ('http://example.test/x.iso?status=404', 'ERROR 404: Not Found.'),
])
def test_a_download_that_cannot_work_fails_as_wget_does(site, url, text):
    exitstatus, _log = site.run('POST', WHERE + 'download-url', content='iso', filename='x.iso', url=url)
    assert text in exitstatus
    assert 'local:iso/x.iso' not in {row['volid'] for row in site.get(WHERE + 'content')}


def test_url_metadata_tells_what_a_download_would_bring(site):
    url = 'https://example.test/images/d.iso?size=7M'
    assert site.get('{here}/query-url-metadata', url=url) == {
        'filename': 'd.iso', 'mimetype': 'application/x-iso9660-image', 'size': 7 << 20}


@pytest.mark.parametrize('url', ['http://[::1/x.iso', 'http://host:99999/x.iso', 'http:///x.iso'])
def test_a_url_that_cannot_be_read_is_an_error_in_words(site, url):
    status, text, _errors = site.send('GET', '{here}/query-url-metadata', url=url)
    assert status == 500
    assert text.startswith("invalid server response: '400 ")


def test_a_block_storage_takes_no_files(generated):
    status, text, _errors = generated.send('POST', '{here}/storage/local-lvm/download-url', content='iso', filename='x.iso',
                                           url='http://example.test/x')
    assert (status, text) == (500, "can't upload to storage type 'lvmthin', not a file based storage!")


def test_a_container_template_is_fetched_by_its_name(generated):
    names = [row['template'] for row in generated.get('{here}/aplinfo')]
    name = next(name for name in names if name.startswith('alpine'))
    assert generated.run('POST', '{here}/aplinfo', storage='local', template=name)[0] == 'OK'
    assert f'local:vztmpl/{name}' in {row['volid'] for row in generated.get('{here}/storage/local/content', content='vztmpl')}
    assert generated.send('POST', '{here}/aplinfo', storage='local', template='nothing.tar.gz')[2] == {'template': 'no such template'}


def test_an_image_is_described_before_it_is_imported(site):
    site.send('PUT', '/storage/local', content='import,iso')
    assert site.run('POST', WHERE + 'upload', upload=UPLOAD, content='import', filename='app.ova')[0] == 'OK'
    metadata = site.get(WHERE + 'import-metadata', volume='import/app.ova')
    assert metadata['create-args']['name'] == 'app'
    assert metadata['warnings'] == [{'type': 'ova-needs-extracting'}]
    assert site.send('GET', WHERE + 'import-metadata', volume='import/mini.qcow2')[1] == 'invalid format'
