#!/usr/bin/env bash
# Starts Slurm on this machine alone, runs a command with it, and stops it again. Needs root.
#
# Install: apt-get install slurm-wlm munge
# Run:     one_node_slurm.sh COMMAND [ARGUMENT...]
set -euo pipefail

folder=$(mktemp -d)
daemons=()
stop() {
  # The latest first: slurmd, slurmctld, munged.
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
    kill "${daemons[i]}" 2>/dev/null || true
    wait "${daemons[i]}" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap stop EXIT

chmod 755 "$folder"
mkdir "$folder"/{munge,state,spool}
head -c 128 /dev/urandom >"$folder/munge/key"
chmod 700 "$folder/munge"
chmod 400 "$folder/munge/key"
socket=$folder/munge.socket
munged --foreground --force --key-file "$folder/munge/key" --socket "$socket" --pid-file "$folder/munge/pid" \
  --seed-file "$folder/munge/seed" >"$folder/munged.log" 2>&1 &
daemons+=($!)

cat >"$folder/slurm.conf" <<CONF
ClusterName=one-node
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$folder/slurm.conf
slurmctld -D -i >"$folder/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D >"$folder/slurmd.log" 2>&1 &
daemons+=($!)

for _ in $(seq 100); do
  if [ "$(sinfo --noheader --format %t 2>/dev/null)" = idle ]; then
    status=0
    "$@" || status=$?
    exit "$status"
  fi
  sleep 0.2
done
echo "one_node_slurm.sh: Slurm has not started" >&2
tail -n 20 "$folder"/*.log >&2
exit 1
