"""The hardware of a node: disks with their SMART values, PCI and USB devices; always the same for the same node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .figures import share

if TYPE_CHECKING:
    from .node import Node

TIB = 1 << 40
NVME = ('SAMSUNG MZQL21T9HCJR-00A07', 1_920_383_410_176)
HARD = ('ST4000NM000A-2HZ100', 4_000_787_030_016)
VIRTIO = {'0x1045': ('balloon', 'Virtio 1.0 memory balloon', '0xffff00'), '0x1042': ('', 'Virtio 1.0 block device', '0x018000'),
          '0x1041': ('', 'Virtio 1.0 network device', '0x020000'), '0x1053': ('', 'Virtio 1.0 socket', '0xffff00'),
          '0x1044': ('', 'Virtio 1.0 RNG', '0xffff00')}
SERVER_DEVICES = (
    ('0000:00:00.0', '0x060000', '0x1022', '0x1480', 'Starship/Matisse Root Complex', 'Advanced Micro Devices, Inc. [AMD]', 0),
    ('0000:01:00.0', '0x010802', '0x144d', '0xa80a', 'NVMe SSD Controller PM9A1/PM9A3/980PRO', 'Samsung Electronics Co Ltd', 1),
    ('0000:02:00.0', '0x010802', '0x144d', '0xa80a', 'NVMe SSD Controller PM9A1/PM9A3/980PRO', 'Samsung Electronics Co Ltd', 2),
    ('0000:41:00.0', '0x020000', '0x8086', '0x1563', 'Ethernet Controller X550', 'Intel Corporation', 24),
    ('0000:41:00.1', '0x020000', '0x8086', '0x1563', 'Ethernet Controller X550', 'Intel Corporation', 25),
    ('0000:c1:00.0', '0x030000', '0x1a03', '0x2000', 'ASPEED Graphics Family', 'ASPEED Technology, Inc.', 40),
)


def pci_devices(node: Node) -> list[dict]:
    """A server's devices; the virtual ones of a node that is a container itself."""
    if node.extra.get('container'):
        return [virtio_device(index, device) for index, device in enumerate(VIRTIO, 1)]
    return [{
        'id': address, 'class': kind, 'vendor': vendor, 'device': device, 'device_name': name, 'vendor_name': maker,
        'iommugroup': group, 'subsystem_vendor': vendor, 'subsystem_device': device, 'subsystem_vendor_name': maker,
    } for address, kind, vendor, device, name, maker, group in SERVER_DEVICES]


def virtio_device(index: int, device: str) -> dict:
    _note, name, kind = VIRTIO[device]
    maker = 'Red Hat, Inc.'
    return {'id': f'0000:00:{index:02}.0', 'class': kind, 'vendor': '0x1af4', 'device': device, 'device_name': name,
            'vendor_name': maker, 'iommugroup': -1, 'subsystem_vendor': '0x1af4', 'subsystem_device': device,
            'subsystem_vendor_name': maker}


def usb_devices(node: Node) -> list[dict]:
    if node.extra.get('container'):
        return []
    return [{'busnum': 1, 'devnum': 1, 'class': 9, 'level': 0, 'port': 0, 'prodid': '0002', 'vendid': '1d6b',
             'speed': '480', 'product': 'xHCI Host Controller', 'manufacturer': 'Linux xhci-hcd', 'serial': '0000:03:00.3'}]


def disks(node: Node) -> list[dict]:
    """Two flash disks for the system, more for data; about one disk in forty is worn out or failing."""
    if node.extra.get('container'):
        return []
    if 'disks' in node.extra:
        return node.extra['disks']
    count = 2 + int(share(node.name, 'disks') * 3)
    node.extra['disks'] = [disk(node, index) for index in range(count)]
    return node.extra['disks']


def disk(node: Node, index: int) -> dict:
    flash = index < 2 or share(node.name, 'kind') < 0.7
    model, size = NVME if flash else HARD
    serial = f'S{int(share(node.name, index, "serial") * 16 ** 7):07X}'
    luck = share(node.name, index, 'health')
    device = f'/dev/nvme{index}n1' if flash else f'/dev/sd{chr(97 + index)}'
    name = f'nvme-{model.replace(" ", "_")}_{serial}' if flash else f'ata-{model}_{serial}'
    return {
        'devpath': device, 'by_id_link': f'/dev/disk/by-id/{name}', 'size': size, 'model': model, 'serial': serial,
        'vendor': 'unknown', 'wwn': f'eui.{int(share(serial) * 16 ** 8):016x}', 'type': 'nvme' if flash else 'hdd',
        'rpm': 0 if flash else 7200, 'health': 'FAILED' if luck < 0.012 else 'PASSED',
        'wearout': 100 - int(share(serial, 'wear') * 40) if flash and luck > 0.03 else (3 if flash else 'N/A'),
        'gpt': int(index < 2), 'used': ('BIOS boot' if index == 0 else 'LVM') if index < 2 else None, 'osdid': -1,
        'osdid-list': None,
    }


def smart(entry: dict) -> dict:
    """SMART values of a disk: a text for NVMe, attributes for others."""
    used = 100 - entry['wearout'] if isinstance(entry['wearout'], int) else 0
    if entry['type'] == 'nvme':
        text = ('\nSMART/Health Information (NVMe Log 0x02)\n'
                f'Critical Warning:                   {"0x00" if entry["health"] == "PASSED" else "0x04"}\n'
                'Temperature:                        38 Celsius\nAvailable Spare:                    100%\n'
                f'Available Spare Threshold:          10%\nPercentage Used:                    {used}%\n')
        return {'health': entry['health'], 'type': 'text', 'text': text, 'wearout': entry['wearout']}
    failing = entry['health'] != 'PASSED'
    return {'health': entry['health'], 'type': 'ata', 'attributes': [
        attribute(5, 'Reallocated_Sector_Ct', 100 if not failing else 4, 10, '0' if not failing else '4096',
                  'FAILING_NOW' if failing else '-'),
        attribute(9, 'Power_On_Hours', 82, 0, '15876', '-'),
        attribute(194, 'Temperature_Celsius', 31, 0, '31', '-'),
        attribute(197, 'Current_Pending_Sector', 100, 0, '0', '-'),
    ]}


def attribute(number: int, name: str, value: int, threshold: int, raw: str, fail: str) -> dict:
    return {'id': f'{number:>3}', 'name': name, 'value': value, 'worst': value, 'threshold': threshold, 'raw': raw, 'fail': fail,
            'flags': '-O--CK', 'normalized': float(value)}
