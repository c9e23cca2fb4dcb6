#!/usr/bin/env bash
# The check of a real CUDA card, in about four minutes: does everything run there, is it right, how fast is it?
#
#   IMPASTO=impasto IMPASTO_ONNXRUNTIME=FOLDER MODEL=vgg16.safetensors bench/card_check.sh OUT
#
# Each step has a time limit of its own and a file of its own in OUT, so that one that fails costs the others nothing.
# It needs a python3 with torch (CUDA), numpy, onnx and Pillow, and no network and no cargo. STEPS names the steps to run. Those that
# are run only if they are named: `options` tries ONNX Runtime's options for the card, `compile` measures against torch.compile,
# `large` measures 16 megapixels, and `webgpu` the same card through Vulkan (IMPASTO_WEBGPU names a folder with ONNX Runtime and its
# plug-in for WebGPU).
set -u
out=$1
mkdir -p "$out"
bench=$(cd "$(dirname "$0")" && pwd)
sample=$bench/../assets/sample
steps=${STEPS:-nodes picture vgg built-in presets}
export IMPASTO IMPASTO_ONNXRUNTIME PYTHONUNBUFFERED=1

# NVIDIA's libraries, where they come with Python packages.
nvidia=$(python3 -c "
import glob, os
try:
    import nvidia
    print(':'.join(sorted({os.path.dirname(f) for p in nvidia.__path__ for f in glob.glob(p + '/**/lib*.so*', recursive=True)})))
except ImportError:
    pass")
export LD_LIBRARY_PATH="$nvidia${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

step() { # NAME SECONDS COMMAND …
  local name=$1 limit=$2 begun=$SECONDS
  shift 2
  case " $steps " in *" ${name%%.*} "*) ;; *) return ;; esac
  echo "== $name"
  timeout "$limit" "$@" >"$out/$name.txt" 2>&1
  local status=$?
  echo "exit $status after $((SECONDS - begun)) s" >>"$out/$name.txt"
  tail -n 25 "$out/$name.txt"
}

paint() { # OUT OPTIONS …
  local result=$1
  shift
  "$IMPASTO" "$sample/coffee.png" "$sample/whirls.jpg" -o "$result" --report "$result.json" --quiet "$@" &&
    python3 -c "
import json, sys
r = json.load(open(sys.argv[1]))
print(sys.argv[1], 'loss', r['loss'], 'seconds', r['seconds'], 'tile', r['tile'], 'device', r.get('device'))" "$result.json"
}
export -f paint
export sample

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null
step nodes 60 "$IMPASTO" devices --nodes
step nodes.model 60 "$IMPASTO" devices "--nodes=$MODEL"
work=$(mktemp -d)
step picture 100 bash -c "
  for device in cuda cpu; do paint $work/\$device.png --device \$device --size 512 --iterations 60; done
  paint $work/tiles.png --device cuda --size 512 --iterations 60 --tile-size 256
  paint $work/vgg-cuda.png --device cuda --size 512 --iterations 100 --model $MODEL
  paint $work/moments.png --device cuda --size 512 --iterations 60 --style-loss moments --model $MODEL"
for name in cuda cpu tiles vgg-cuda moments; do
  [ -f "$work/$name.png" ] && python3 -c "
import sys
from PIL import Image
Image.open(sys.argv[1]).convert('RGB').save(sys.argv[2], quality=88)" "$work/$name.png" "$work/$name.jpg"
done
(cd "$work" && ls ./*.jpg >/dev/null 2>&1 && tar -cf "$out/pictures.tar" ./*.jpg)
step vgg 150 python3 "$bench/card.py" --model "$MODEL" --megapixels 1,4 --large 24 --budget 8G --json "$out/vgg.json"
step built-in 80 python3 "$bench/card.py" --megapixels 1,4 --large 0 --model "${BUILT_IN:-compact}" --json "$out/built-in.json"
step presets 60 bash -c "
  for preset in draft standard best; do paint $work/\$preset.png --device cuda --preset \$preset; done
  paint $work/vgg-standard.png --device cuda --preset standard --model $MODEL"
for option in "" prefer_nhwc=1 fuse_conv_bias=1 prefer_nhwc=1,fuse_conv_bias=1 cudnn_conv_algo_search=EXHAUSTIVE enable_cuda_graph=1; do
  step "options.${option:-none}" 40 env IMPASTO_PROVIDER_OPTIONS="$option" \
    python3 "$bench/card.py" --model "$MODEL" --megapixels 1 --alone
done
step compile 150 python3 "$bench/card.py" --model "$MODEL" --megapixels 1,4 --large 0 --compile --json "$out/compile.json"
step large 150 python3 "$bench/card.py" --model "$MODEL" --megapixels 16 --large 0 --json "$out/large.json"
export IMPASTO_ONNXRUNTIME=${IMPASTO_WEBGPU:-$IMPASTO_ONNXRUNTIME}
step webgpu.devices 60 "$IMPASTO" devices --nodes
step webgpu.picture 120 bash -c "
  for device in webgpu cpu; do paint $work/\$device.png --device \$device --size 512 --iterations 60; done"
step webgpu.speed 120 python3 "$bench/card.py" --model "$MODEL" --megapixels 1,4 --device webgpu --alone
rm -rf "$work"
