#!/bin/sh
# The demo: predicts on a portrait, and explains the answer to somebody who sees it for the first time.
#   examples/demo.sh PREDICT     PREDICT is the program that was built from examples/c/predict.c
set -eu
cd "$(dirname "$0")/.."
predict=$1
picture=examples/images/eileen_collins.png
cat <<TEXT
The picture is $picture: the portrait of the astronaut Eileen Collins (NASA, public
domain). She was 42 or 43 years old. The networks say:

TEXT
"$predict" "$picture"
cat <<'TEXT'

What this means:
  face at X,Y of WxH   the box around the face, in pixels from the top left corner
  N years              the estimate: the true age is as likely above as below it
  (N to M)             the range that holds the true age of about 80 of 100 people
  female (N %)         the label that strangers would give the face, and how sure that is
  small, blurred, dark, bright, turned, cut_off, not_upright
                       reasons to trust this face less, named only where they apply

Compare the answer with her age. Errors of five years are normal, and those of fifteen happen,
so a program must not decide about a person by one answer alone (docs/use.md).

What to try next:
  build/predict photo.jpg                     a photo of your own: JPEG, PNG, WebP or BMP
  build/predict --try-turns photo.jpg         a photo that may lie on its side
  build/predict --json photo.jpg              the same for programs, with all numbers
  cargo run --release --example annotate photo.jpg out.png
                                              the answers drawn into the photo
  scripts/build/web.sh serve                  a page that follows the faces of your camera
  docs/tutorial.md                            from here to a kiosk, step by step
TEXT
