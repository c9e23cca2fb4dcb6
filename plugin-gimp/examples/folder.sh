#!/bin/sh
# Paints all PNG pictures of a folder in one style: folder.sh PICTURES STYLE INTO. IMPASTO_QUALITY may say draft,
# standard or best. Starts GIMP without windows and speaks Script-Fu to it.
set -eu
pictures=$1 style=$2 into=$3

for picture in "$pictures"/*.png; do
    to=$into/$(basename "$picture")
    gimp-console -idf --batch-interpreter=plug-in-script-fu-eval --quit -b "
        (let* ((image (car (gimp-file-load RUN-NONINTERACTIVE \"$picture\"))))
          (plug-in-impasto #:run-mode RUN-NONINTERACTIVE #:image image
                           #:drawables (car (gimp-image-get-selected-drawables image))
                           #:style-file \"$style\" #:preset \"${IMPASTO_QUALITY:-standard}\")
          (gimp-image-flatten image)
          (gimp-file-save RUN-NONINTERACTIVE image \"$to\" -1)
          (gimp-image-delete image))"
    echo "$to"
done
