#include <face_predict.h>
#include <stdio.h>

int main(int argc, char **argv) {
    face_predict_model *model = NULL;
    face_predict_result *result = face_predict_result_new();
    if (argc != 2 || face_predict_model_load_default(NULL, &model) != FACE_PREDICT_OK ||
        face_predict_file(model, argv[1], NULL, result) != FACE_PREDICT_OK) {
        fprintf(stderr, "%s\n", argc == 2 ? face_predict_last_error() : "usage: hello PHOTO.jpg");
        return 1;
    }
    for (size_t i = 0; i < face_predict_result_count(result); i++) {
        face_predict_face face;
        if (face_predict_result_face(result, i, &face, sizeof face) == FACE_PREDICT_OK)
            printf("age %.0f (%.0f to %.0f), female %.0f %%\n", face.age, face.age_low,
                   face.age_high, face.female_probability * 100);
    }
    face_predict_result_free(result);
    face_predict_model_free(model);
}
