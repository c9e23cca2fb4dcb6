#!/usr/bin/env bash
# Paints a list of pictures in one style with GNU parallel, several at a time.
#
# Install: apt-get install parallel (or your system's package), and impasto on the path.
# Run:     ./parallel.sh photos.txt painting.jpg out [--preset best …]
#
# photos.txt has one picture a line. Run the same command again to paint what is missing. THREADS is the number of
# threads for each picture (2 if it is not set), CARDS the number of NVIDIA cards to use instead of the processor;
# IMPASTO names the program if it is not on the path.
set -euo pipefail

if [ $# -lt 3 ]; then
  echo "usage: parallel.sh PICTURES.txt STYLE OUT [OPTION…]" >&2
  exit 2
fi
list=$1 style=$2 out=$3
shift 3

# Two pictures of one name would be written to one file.
doubles=$(sed -e 's|.*/||' -e 's|\.[^.]*$||' "$list" | sort | uniq -d | sed '/^$/d')
if [ -n "$doubles" ]; then
  printf 'parallel.sh: %s has several pictures of one name; rename them:\n%s\n' "$list" "$doubles" >&2
  exit 2
fi
mkdir -p "$out"

# Jobs times threads is the number of cores: more threads than cores wait for each other at the end of every operator,
# fewer leave cores idle. By itself every job would start a thread for each core, and plan with most of the memory that
# is free; so each gets its part of 80 % of that.
cores=$(nproc)
if [ "${CARDS:-0}" -gt 0 ]; then
  # One job per card. A job sees only its own, whose memory is all for it: the card of slot 1 is number 0.
  jobs=$CARDS
  threads=${THREADS:-$((cores > jobs ? cores / jobs : 1))}
  start=(env 'CUDA_VISIBLE_DEVICES={= $_ = slot() - 1 =}' "${IMPASTO:-impasto}" --device cuda)
else
  threads=${THREADS:-$((cores > 1 ? 2 : 1))}
  jobs=$((cores > threads ? cores / threads : 1))
  memory=$(awk -v jobs="$jobs" '/^MemAvailable:/ { printf "%d", $2 / 1024 * 0.8 / jobs }' /proc/meminfo)
  start=("${IMPASTO:-impasto}" --device cpu --max-memory "${memory}M")
fi

# The log of the jobs goes by positions in the list, so each list has a log of its own. --resume-failed paints those
# again that have failed or been killed, and goes on behind the last that has ended; --skip-existing keeps what other
# lists have left. To paint a picture again, remove its result and the log. Ctrl-C drops the pictures that are being
# painted; one SIGTERM to parallel lets them end.
log=$out/.joblog-$(cksum <"$list" | cut -d ' ' -f 1)
sed '/^$/d' "$list" | parallel --quote --jobs "$jobs" --joblog "$log" --resume-failed --halt never \
  "${start[@]}" --skip-existing --quiet --threads "$threads" "$@" -o "$out/" -- '{}' "$style"
