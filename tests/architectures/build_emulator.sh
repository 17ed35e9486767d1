#!/usr/bin/env bash
# An aarch64 Python with the locked libraries, which QEMU's user mode runs on another architecture.
#
#     tests/architectures/build_emulator.sh FOLDER
#
# Needs Debian or Ubuntu, root, 8 GB on the disk and the network; takes some minutes. FOLDER/CPU/python is then Python
# 3.11 on that CPU. From Debian come QEMU, Python and the C libraries, from PyPI what the locks name, for which pip
# checks the index's SHA-256.
set -euo pipefail

[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$(command -v python3)
mkdir -p "$1"
cd "$1"
folder=$PWD

tools=()
command -v qemu-aarch64-static > /dev/null || tools+=(qemu-user-static)
command -v debootstrap > /dev/null || tools+=(debootstrap)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || tools+=(debian-archive-keyring)
command -v aarch64-linux-gnu-ld > /dev/null || tools+=(binutils-aarch64-linux-gnu)
if [ ${#tools[@]} -gt 0 ]; then
    echo "installing ${tools[*]}"
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "${tools[@]}" > apt.log
fi

if [ ! -e debian/usr/bin/python3.11 ]; then
    echo "fetching Debian's Python for arm64"
    rm -rf debian
    # Bookworm is the release with Python 3.11. Packages are unpacked only: nothing is configured or run.
    debootstrap --arch=arm64 --foreign --variant=minbase --include=python3.11,libgomp1,libstdc++6,ca-certificates \
        bookworm debian > debootstrap.log
    for package in debian/var/cache/apt/archives/*.deb; do dpkg-deb --extract "$package" debian; done
fi

echo "installing the locked libraries for aarch64"
rm -rf site
platforms=(--platform manylinux2014_aarch64)
# Debian 12 has glibc 2.36.
for minor in {17..36}; do platforms+=(--platform "manylinux_2_${minor}_aarch64"); done
# What has no wheel at all is pure Python, and the same everywhere.
"$python" -m pip install -qq --disable-pip-version-check --no-compile --no-deps --only-binary=:all: \
    --no-binary=antlr4-python3-runtime --implementation cp --python-version 3.11 "${platforms[@]}" --target site \
    -r "$root/requirements.lock" -r "$root/requirements-dev.lock"
# PyPI's torch for aarch64 is a build for CUDA, which does not start without CUDA's libraries.
"$python" "$root/tests/architectures/cuda_stubs.py" site/torch/lib

# QEMU looks for each absolute path in the CPU's folder first. LLVM, torch and OpenBLAS read in /proc/cpuinfo what the
# CPU is, and would find this machine's.
make_cpu() {
    local cpu=$1 variant=$2 part=$3 features=$4 core identification
    rm -rf "$cpu"
    mkdir -p "$cpu/proc"
    ln -s ../debian/{etc,lib,usr} "$cpu"
    for core in 0 1; do
        printf 'processor\t: %s\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\n' $core "$features"
        printf 'CPU variant\t: 0x%s\nCPU part\t: 0x%s\nCPU revision\t: 1\n\n' "$variant" "$part"
    done > "$cpu/proc/cpuinfo"
    for core in 0 1; do
        identification="$cpu/sys/devices/system/cpu/cpu$core/regs/identification"
        mkdir -p "$identification"
        echo "0x0000000041${variant}f${part}1" > "$identification/midr_el1"
    done
    for file in possible present online; do echo 0-1 > "$cpu/sys/devices/system/cpu/$file"; done
    cat > "$cpu/python" <<SCRIPT
#!/bin/sh
# Python starts further processes by the name of this script.
exec qemu-aarch64-static -cpu $cpu -L '$folder/$cpu' -0 '$folder/$cpu/python' -E PYTHONHOME='$folder/debian/usr' \\
    -E PYTHONPATH="\${PYTHONPATH:+\$PYTHONPATH:}$folder/site" '$folder/debian/usr/bin/python3.11' "\$@"
SCRIPT
    chmod +x "$cpu/python"
}
features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs"
make_cpu neoverse-n1 3 d0c "$features"
# QEMU's `max` has no number of its own; it can do what a Neoverse V2 can.
features+=" jscvt fcma dcpodp sha3 sha512 i8mm bf16 flagm flagm2 frint uscat ilrcpc dit sb"
features+=" sve sve2 sveaes svepmull svebitperm svesha3 svei8mm svebf16"
make_cpu max 0 d4f "$features"
"$folder/neoverse-n1/python" -c "import platform, torch; print(torch.__version__, platform.machine())"
touch installed
