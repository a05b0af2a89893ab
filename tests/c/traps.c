/*
 * The host traps floating point exceptions, rounds upwards and flushes tiny numbers to zero. It gets the same answers
 * as any other, and its settings are unchanged afterwards. Usage: traps FOLDER
 */
#define _GNU_SOURCE
#include "check.h"
#include <fenv.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(__GLIBC__)
static void trap(void) {
    feenableexcept(FE_ALL_EXCEPT);
}

static int traps(void) {
    return fegetexcept() == FE_ALL_EXCEPT;
}

static void trap_no_more(void) {
    fedisableexcept(FE_ALL_EXCEPT);
}

static int flags(void) {
    return fetestexcept(FE_ALL_EXCEPT);
}

static void raise_underflow(void) {
    feraiseexcept(FE_UNDERFLOW);
}
#elif defined(__x86_64__)
/*
 * Other C libraries have no call for it. These are the bits of the SSE unit that mask the five exceptions, and those
 * that report them. The flags of the old x87 unit are left out, because functions of such libraries raise them.
 */
enum { MASKS = 0x1E80, FLAGS = 0x3D };

static void trap(void) {
    _mm_setcsr(_mm_getcsr() & ~(unsigned)MASKS);
}

static int traps(void) {
    return (_mm_getcsr() & MASKS) == 0;
}

static void trap_no_more(void) {
    _mm_setcsr(_mm_getcsr() | MASKS);
}

static int flags(void) {
    return (int)(_mm_getcsr() & FLAGS);
}

static void raise_underflow(void) {
    _mm_setcsr(_mm_getcsr() | FE_UNDERFLOW);
}
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
    trap();
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    no_fast.flags = FACE_PREDICT_PLAIN_CONVOLUTIONS;
    CHECK_OK(face_predict_model_load_default(&no_fast, &plain));
    result = face_predict_result_new();
    found = answer(model, result, portrait, 0);
    cropped = answer(model, result, in_folder("crop.png"), FACE_PREDICT_CROPPED);
    answer(plain, result, portrait, 0);
    CHECK(traps());
    CHECK(flags() == 0);
    CHECK(face_predict_result_age_at_least(result, 0, 18) >= 0);
    trap_no_more();
    fesetround(FE_UPWARD);
    raise_underflow();
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
    again = answer(model, result, portrait, 0);
    CHECK(memcmp(&again, &found, sizeof again) == 0);
    CHECK(fegetround() == FE_UPWARD && flags() == FE_UNDERFLOW);
    fesetround(FE_TONEAREST);
    fesetenv(FE_DFL_ENV);
    again = answer(model, result, in_folder("crop.png"), FACE_PREDICT_CROPPED);
    /* Without landmarks the numbers are NaN, so the bytes are compared. */
    CHECK(memcmp(&again, &cropped, sizeof again) == 0);
    face_predict_result_free(result);
    face_predict_model_free(plain);
    face_predict_model_free(model);
    return failures != 0;
}
