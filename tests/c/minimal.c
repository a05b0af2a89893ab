/*
 * minimal MODEL PIXELS WIDTH HEIGHT
 * Predicts on raw RGB pixels of one face with a model file, and prints the answer. Given to a library without decoders and
 * weights, it also says what that library refuses; scripts/test/minimal.sh compares.
 */
#include <face_predict.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *what, face_predict_status status) {
    printf("%s: %s%s%s\n", what, face_predict_status_name(status), status == FACE_PREDICT_OK ? "" : ": ",
           status == FACE_PREDICT_OK ? "" : face_predict_last_error());
}

int main(int count, char **arguments) {
    static unsigned char pixels[1 << 20];
    face_predict_model *model = NULL, *built_in = NULL;
    face_predict_result *result = face_predict_result_new();
    face_predict_options options;
    face_predict_image image;
    face_predict_face face;
    size_t size;
    FILE *file;
    if (count != 5 || !result || !(file = fopen(arguments[2], "rb"))) {
        fprintf(stderr, "minimal MODEL PIXELS WIDTH HEIGHT\n");
        return 2;
    }
    size = fread(pixels, 1, sizeof pixels, file);
    fclose(file);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.flags = FACE_PREDICT_CROPPED;
    memset(&image, 0, sizeof image);
    image.struct_size = sizeof image;
    image.format = FACE_PREDICT_FORMAT_RGB;
    image.width = (uint32_t)atoi(arguments[3]);
    image.height = (uint32_t)atoi(arguments[4]);
    image.planes[0] = pixels;
    image.sizes[0] = size;
    if (face_predict_model_load_file(arguments[1], NULL, &model) != FACE_PREDICT_OK ||
        face_predict(model, &image, &options, result) != FACE_PREDICT_OK ||
        face_predict_result_face(result, 0, &face, sizeof face) != FACE_PREDICT_OK) {
        fprintf(stderr, "%s\n", face_predict_last_error());
        return 1;
    }
    printf("age %.3f (%.3f to %.3f), female %.4f\n", face.age, face.age_low, face.age_high, face.female_probability);
    say("built-in model", face_predict_model_load_default(NULL, &built_in));
    say("bytes of a file", face_predict_encoded(model, pixels, size, &options, result));
    say("a file", face_predict_file(model, arguments[2], &options, result));
    face_predict_model_free(built_in);
    face_predict_model_free(model);
    face_predict_result_free(result);
    return 0;
}
