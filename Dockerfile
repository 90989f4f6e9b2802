# upwind with the pinned packages of a run.
#   docker build -t upwind .
#   docker run --rm -v "$PWD/results:/upwind/results" upwind snakemake --cores 8
#
# torch is the build that pip chooses for Linux: it runs on CPUs, and on NVIDIA GPUs with
# `docker run --gpus all`. --build-arg TORCH_INDEX=ADDRESS takes it from another index, such as
# PyTorch's own of builds for CPUs alone (smaller) or for another version of CUDA.
FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=""

# git: records name the commit. openssh-client and openssl: crates are signed and their time stamps
# checked. The compiler is for `training.compile`.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ git make openssh-client openssl \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /upwind
# Before the code, so that an edit of it installs nothing again.
COPY envs/requirements.txt envs/
# All versions are pinned, in the file.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0 \
    && pip install --no-cache-dir -r envs/requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .

CMD ["snakemake", "--cores", "all"]
