/* The C interface for facepredict.Native. Checks nothing that the library checks; throws FacePredictException. */
#include <face_predict.h>
#include <jni.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_facepredict_Native_##name

static void raise_status(JNIEnv *env, face_predict_status status, const char *text) {
    /* Messages may hold any UTF-8, JNI's own strings are of another kind: through bytes. */
    const size_t length = strlen(text);
    jclass string_class = (*env)->FindClass(env, "java/lang/String");
    jclass error_class = (*env)->FindClass(env, "facepredict/FacePredictException");
    jmethodID make_string, make_error;
    jbyteArray bytes;
    jstring utf8, message, name;
    jobject error;
    if (!string_class || !error_class) {
        return;
    }
    make_string = (*env)->GetMethodID(env, string_class, "<init>", "([BLjava/lang/String;)V");
    make_error = (*env)->GetMethodID(env, error_class, "<init>", "(ILjava/lang/String;Ljava/lang/String;)V");
    bytes = (*env)->NewByteArray(env, (jsize)length);
    utf8 = (*env)->NewStringUTF(env, "UTF-8");
    name = (*env)->NewStringUTF(env, face_predict_status_name(status));
    if (!make_string || !make_error || !bytes || !utf8 || !name) {
        return;
    }
    (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)length, (const jbyte *)text);
    message = (jstring)(*env)->NewObject(env, string_class, make_string, bytes, utf8);
    if (!message) {
        return;
    }
    error = (*env)->NewObject(env, error_class, make_error, (jint)status, name, message);
    if (error) {
        (*env)->Throw(env, (jthrowable)error);
    }
}

static int failed(JNIEnv *env, face_predict_status status) {
    if (status != FACE_PREDICT_OK) {
        raise_status(env, status, face_predict_last_error());
    }
    return status != FACE_PREDICT_OK;
}

static void *memory(JNIEnv *env, size_t size) {
    void *data = malloc(size ? size : 1);
    if (!data) {
        jclass error = (*env)->FindClass(env, "java/lang/OutOfMemoryError");
        if (error) {
            (*env)->ThrowNew(env, error, "no memory for the arguments of face_predict");
        }
    }
    return data;
}

/* A copy with a zero at its end. */
static char *copy(JNIEnv *env, jbyteArray array, size_t *size) {
    const jsize length = (*env)->GetArrayLength(env, array);
    char *data = memory(env, (size_t)length + 1);
    if (data) {
        (*env)->GetByteArrayRegion(env, array, 0, length, (jbyte *)data);
        data[length] = '\0';
        if (size) {
            *size = (size_t)length;
        }
    }
    return data;
}

/* Options with regions of their own, to be freed; 0 on failure, with an exception. */
static int options_from(JNIEnv *env, face_predict_options *options, jintArray whole, jfloatArray shares,
                        jfloatArray regions) {
    jint n[4];
    jfloat share[3];
    (*env)->GetIntArrayRegion(env, whole, 0, 4, n);
    (*env)->GetFloatArrayRegion(env, shares, 0, 3, share);
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
    options->flags = (uint32_t)n[0];
    options->max_faces = (uint32_t)n[1];
    options->min_face_size = (uint32_t)n[2];
    options->crops = (uint32_t)n[3];
    options->age_coverage = share[0];
    options->gender_threshold = share[1];
    options->min_score = share[2];
    if (regions) {
        const jsize count = (*env)->GetArrayLength(env, regions);
        /* An array of none is still one: without it the picture would be searched. */
        face_predict_region *copied = memory(env, (size_t)count * sizeof(jfloat));
        if (!copied) {
            return 0;
        }
        (*env)->GetFloatArrayRegion(env, regions, 0, count, (jfloat *)copied);
        options->regions = copied;
        options->region_count = (uint32_t)(count / 14);
    }
    return 1;
}

/* A picture from its numbers (Image.java says which) and three of the buffers. */
static face_predict_image image_from(JNIEnv *env, jobjectArray planes, jsize first, const jint n[16]) {
    face_predict_image image;
    int i;
    memset(&image, 0, sizeof image);
    image.struct_size = sizeof image;
    image.format = (uint32_t)n[0];
    image.width = (uint32_t)n[1];
    image.height = (uint32_t)n[2];
    image.rotation = (uint32_t)n[3];
    image.mirrored = (uint32_t)n[4];
    image.chroma_step = (uint32_t)n[5];
    image.yuv = (uint32_t)n[6];
    for (i = 0; i < 3; i++) {
        jobject buffer = (*env)->GetObjectArrayElement(env, planes, first + i);
        const char *data = buffer ? (*env)->GetDirectBufferAddress(env, buffer) : NULL;
        /* A size of 0 would mean "trust me"; an empty buffer is no plane. */
        if (data && n[8 + 3 * i] > 0) {
            image.planes[i] = data + n[7 + 3 * i];
            image.sizes[i] = (size_t)n[8 + 3 * i];
        }
        image.strides[i] = (size_t)n[9 + 3 * i];
        (*env)->DeleteLocalRef(env, buffer);
    }
    return image;
}

static face_predict_image one_image(JNIEnv *env, jobjectArray planes, jintArray numbers) {
    jint n[16];
    (*env)->GetIntArrayRegion(env, numbers, 0, 16, n);
    return image_from(env, planes, 0, n);
}

static face_predict_model *model_of(jlong handle) {
    return (face_predict_model *)(uintptr_t)handle;
}

static face_predict_result *result_of(jlong handle) {
    return (face_predict_result *)(uintptr_t)handle;
}

static face_predict_tracker *tracker_of(jlong handle) {
    return (face_predict_tracker *)(uintptr_t)handle;
}

static face_predict_model_options model_options(jlong max_pixels, jint threads) {
    face_predict_model_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.max_pixels = (uint64_t)max_pixels;
    options.threads = (uint32_t)threads;
    return options;
}

NATIVE(jint, version)(JNIEnv *env, jclass class) {
    (void)env, (void)class;
    return (jint)face_predict_version();
}

NATIVE(jlong, loadDefault)(JNIEnv *env, jclass class, jlong max_pixels, jint threads) {
    const face_predict_model_options options = model_options(max_pixels, threads);
    face_predict_model *model = NULL;
    (void)class;
    failed(env, face_predict_model_load_default(&options, &model));
    return (jlong)(uintptr_t)model;
}

NATIVE(jlong, loadFiles)(JNIEnv *env, jclass class, jobjectArray paths, jlong max_pixels, jint threads) {
    const face_predict_model_options options = model_options(max_pixels, threads);
    const jsize count = (*env)->GetArrayLength(env, paths);
    char **copies = memory(env, (size_t)count * sizeof *copies);
    face_predict_model *model = NULL;
    jsize i, made = 0;
    (void)class;
    for (; copies && made < count; made++) {
        jbyteArray path = (jbyteArray)(*env)->GetObjectArrayElement(env, paths, made);
        copies[made] = copy(env, path, NULL);
        (*env)->DeleteLocalRef(env, path);
        if (!copies[made]) {
            break;
        }
    }
    if (copies && made == count) {
        failed(env, face_predict_model_load_files((const char *const *)copies, (size_t)count, &options, &model));
    }
    for (i = 0; i < made; i++) {
        free(copies[i]);
    }
    free(copies);
    return (jlong)(uintptr_t)model;
}

NATIVE(jlong, loadMemory)(JNIEnv *env, jclass class, jbyteArray bytes, jlong max_pixels, jint threads) {
    const face_predict_model_options options = model_options(max_pixels, threads);
    face_predict_model *model = NULL;
    size_t size = 0;
    char *data = copy(env, bytes, &size);
    (void)class;
    if (data) {
        failed(env, face_predict_model_load_memory(data, size, &options, &model));
        free(data);
    }
    return (jlong)(uintptr_t)model;
}

NATIVE(jbyteArray, name)(JNIEnv *env, jclass class, jlong model) {
    const char *name = face_predict_model_name(model_of(model));
    const jsize length = name ? (jsize)strlen(name) : 0;
    jbyteArray bytes = (*env)->NewByteArray(env, length);
    (void)class;
    if (bytes && length) {
        (*env)->SetByteArrayRegion(env, bytes, 0, length, (const jbyte *)name);
    }
    return bytes;
}

NATIVE(void, freeModel)(JNIEnv *env, jclass class, jlong model) {
    (void)env, (void)class;
    face_predict_model_free(model_of(model));
}

NATIVE(jlong, newResult)(JNIEnv *env, jclass class) {
    face_predict_result *result = face_predict_result_new();
    (void)class;
    if (!result) {
        raise_status(env, FACE_PREDICT_ERROR_OUT_OF_MEMORY, "no memory for a result");
    }
    return (jlong)(uintptr_t)result;
}

NATIVE(void, freeResult)(JNIEnv *env, jclass class, jlong result) {
    (void)env, (void)class;
    face_predict_result_free(result_of(result));
}

NATIVE(void, predict)(JNIEnv *env, jclass class, jlong model, jlong result, jobjectArray planes, jintArray numbers,
                      jintArray whole, jfloatArray shares, jfloatArray regions) {
    face_predict_options options;
    face_predict_image image = one_image(env, planes, numbers);
    (void)class;
    if (options_from(env, &options, whole, shares, regions)) {
        failed(env, face_predict(model_of(model), &image, &options, result_of(result)));
        free((void *)options.regions);
    }
}

NATIVE(void, predictFile)(JNIEnv *env, jclass class, jlong model, jlong result, jbyteArray path, jintArray whole,
                          jfloatArray shares, jfloatArray regions) {
    face_predict_options options;
    char *text;
    (void)class;
    if (!options_from(env, &options, whole, shares, regions)) {
        return;
    }
    text = copy(env, path, NULL);
    if (text) {
        failed(env, face_predict_file(model_of(model), text, &options, result_of(result)));
        free(text);
    }
    free((void *)options.regions);
}

NATIVE(void, predictEncoded)(JNIEnv *env, jclass class, jlong model, jlong result, jbyteArray array, jobject buffer,
                             jint offset, jint size, jintArray whole, jfloatArray shares, jfloatArray regions) {
    face_predict_options options;
    char *copied = NULL;
    const char *data;
    (void)class;
    if (!options_from(env, &options, whole, shares, regions)) {
        return;
    }
    if (array) {
        data = copied = copy(env, array, NULL);
    } else {
        data = (*env)->GetDirectBufferAddress(env, buffer);
        data = data ? data + offset : "";
    }
    if (data) {
        failed(env, face_predict_encoded(model_of(model), data, (size_t)size, &options, result_of(result)));
    }
    free(copied);
    free((void *)options.regions);
}

NATIVE(jintArray, batch)(JNIEnv *env, jclass class, jlong model, jlongArray results, jobjectArray planes,
                         jintArray numbers, jintArray whole, jfloatArray shares, jfloatArray regions) {
    const jsize count = (*env)->GetArrayLength(env, results);
    jintArray statuses = (*env)->NewIntArray(env, count);
    face_predict_options options;
    /* One block: images, then pointers to them, then results. */
    face_predict_image *images;
    const face_predict_image **from;
    face_predict_result **to;
    face_predict_status status;
    jsize i;
    int one_failed = 0;
    (void)class;
    if (!statuses || !options_from(env, &options, whole, shares, regions)) {
        return NULL;
    }
    images = memory(env, (size_t)count * (sizeof *images + sizeof *from + sizeof *to));
    if (!images) {
        free((void *)options.regions);
        return NULL;
    }
    from = (const face_predict_image **)(void *)(images + count);
    to = (face_predict_result **)(void *)(from + count);
    for (i = 0; i < count; i++) {
        jint n[16];
        jlong result;
        (*env)->GetIntArrayRegion(env, numbers, 16 * i, 16, n);
        (*env)->GetLongArrayRegion(env, results, i, 1, &result);
        images[i] = image_from(env, planes, 3 * i, n);
        from[i] = &images[i];
        to[i] = result_of(result);
    }
    status = face_predict_batch(model_of(model), from, (size_t)count, &options, to);
    for (i = 0; i < count; i++) {
        const jint one = face_predict_result_status(to[i]);
        one_failed |= one != FACE_PREDICT_OK;
        (*env)->SetIntArrayRegion(env, statuses, i, 1, &one);
    }
    if (!one_failed) {
        failed(env, status);
    }
    free(images);
    free((void *)options.regions);
    return statuses;
}

NATIVE(jlong, newTracker)(JNIEnv *env, jclass class, jlong model, jint detect_every, jint estimate_every,
                          jfloat memory_seconds, jfloat lost_seconds) {
    face_predict_tracker_options options;
    face_predict_tracker *tracker = NULL;
    (void)class;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.detect_every = (uint32_t)detect_every;
    options.estimate_every = (uint32_t)estimate_every;
    options.memory_seconds = memory_seconds;
    options.lost_seconds = lost_seconds;
    failed(env, face_predict_tracker_new(model_of(model), &options, &tracker));
    return (jlong)(uintptr_t)tracker;
}

NATIVE(void, update)(JNIEnv *env, jclass class, jlong tracker, jlong result, jlong time_us, jobjectArray planes,
                     jintArray numbers, jintArray whole, jfloatArray shares, jfloatArray regions) {
    face_predict_options options;
    face_predict_image image = one_image(env, planes, numbers);
    (void)class;
    if (options_from(env, &options, whole, shares, regions)) {
        failed(env, face_predict_tracker_update(tracker_of(tracker), &image, time_us, &options, result_of(result)));
        free((void *)options.regions);
    }
}

NATIVE(void, resetTracker)(JNIEnv *env, jclass class, jlong tracker) {
    (void)env, (void)class;
    face_predict_tracker_reset(tracker_of(tracker));
}

NATIVE(void, freeTracker)(JNIEnv *env, jclass class, jlong tracker) {
    (void)env, (void)class;
    face_predict_tracker_free(tracker_of(tracker));
}

NATIVE(jintArray, size)(JNIEnv *env, jclass class, jlong result) {
    uint32_t width = 0, height = 0;
    jintArray out = (*env)->NewIntArray(env, 2);
    (void)class;
    if (out && !failed(env, face_predict_result_size(result_of(result), &width, &height))) {
        const jint size[2] = {(jint)width, (jint)height};
        (*env)->SetIntArrayRegion(env, out, 0, 2, size);
    }
    return out;
}

NATIVE(jdoubleArray, faces)(JNIEnv *env, jclass class, jlong result) {
    enum { FLOATS = 19, NUMBERS = 26 };
    const size_t count = face_predict_result_count(result_of(result));
    jdoubleArray out = (*env)->NewDoubleArray(env, (jsize)(NUMBERS * count));
    size_t i;
    (void)class;
    for (i = 0; out && i < count; i++) {
        face_predict_face face;
        float floats[FLOATS];
        jdouble n[NUMBERS];
        int j;
        if (failed(env, face_predict_result_face(result_of(result), i, &face, sizeof face))) {
            return NULL;
        }
        /* Box, landmarks, score, age, its interval and the probability are floats in a row. */
        memcpy(floats, &face, sizeof floats);
        for (j = 0; j < FLOATS; j++) {
            n[j] = floats[j];
        }
        n[19] = face.gender;
        n[20] = face.quality;
        n[21] = face.yaw;
        n[22] = face.pitch;
        n[23] = face.roll;
        n[24] = face.track_estimates;
        n[25] = (jdouble)face.track_id;
        (*env)->SetDoubleArrayRegion(env, out, (jsize)(NUMBERS * i), NUMBERS, n);
    }
    return out;
}

NATIVE(jfloatArray, years)(JNIEnv *env, jclass class, jlong result, jint face) {
    size_t count = 0;
    const float *years = face_predict_result_age_distribution(result_of(result), (size_t)face, &count);
    jfloatArray out = (*env)->NewFloatArray(env, years ? (jsize)count : 0);
    (void)class;
    if (out && years) {
        (*env)->SetFloatArrayRegion(env, out, 0, (jsize)count, years);
    }
    return out;
}
