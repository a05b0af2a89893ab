/*
 * A host that traps floating point exceptions, rounds upwards and flushes tiny numbers to zero gets the answers of any
 * other, and its settings back. Usage: traps FOLDER
 */
#define _GNU_SOURCE
#include "check.h"
#include <fenv.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static face_predict_face answer(const face_predict_model *model, face_predict_result *result, const char *path,
                                uint32_t flags) {
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    face_predict_face face;
    memset(&face, 0, sizeof face);
    options.flags = flags;
    CHECK_OK(face_predict_file(model, path, &options, result));
    CHECK(face_predict_result_count(result) > 0);
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    return face;
}

int main(int argc, char **argv) {
    const int all = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT;
    face_predict_model *model = NULL, *plain = NULL;
    face_predict_model_options no_fast = FACE_PREDICT_MODEL_OPTIONS_INIT;
    face_predict_result *result;
    face_predict_face found, cropped, again;
    const char *portrait;
    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    portrait = in_folder("portrait.jpg");
    feenableexcept(all);
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    no_fast.flags = FACE_PREDICT_PLAIN_CONVOLUTIONS;
    CHECK_OK(face_predict_model_load_default(&no_fast, &plain));
    result = face_predict_result_new();
    found = answer(model, result, portrait, 0);
    cropped = answer(model, result, in_folder("crop.png"), FACE_PREDICT_CROPPED);
    answer(plain, result, portrait, 0);
    CHECK(fegetexcept() == all);
    CHECK(fetestexcept(all) == 0);
    CHECK(face_predict_result_age_at_least(result, 0, 18) >= 0);
    fedisableexcept(all);
    fesetround(FE_UPWARD);
    feraiseexcept(FE_UNDERFLOW);
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
    again = answer(model, result, portrait, 0);
    CHECK(memcmp(&again, &found, sizeof again) == 0);
    CHECK(fegetround() == FE_UPWARD && fetestexcept(all) == FE_UNDERFLOW);
    fesetround(FE_TONEAREST);
    fesetenv(FE_DFL_ENV);
    again = answer(model, result, in_folder("crop.png"), FACE_PREDICT_CROPPED);
    /* NaN where there are no landmarks: the bytes are compared. */
    CHECK(memcmp(&again, &cropped, sizeof again) == 0);
    face_predict_result_free(result);
    face_predict_model_free(plain);
    face_predict_model_free(model);
    return failures != 0;
}
