/* Calls the C interface for facepredict.Native. It leaves all checks to the library, and throws
 * FacePredictException. */
#include <face_predict.h>
#include <jni.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_facepredict_Native_##name

/* Makes a FacePredictException, or returns NULL with a pending exception. */
static jthrowable error_of(JNIEnv *env, face_predict_status status, const char *text) {
    /* Messages may hold any UTF-8, but JNI's own strings have another encoding. So they go through bytes. */
    const size_t length = strlen(text);
    jclass string_class = (*env)->FindClass(env, "java/lang/String");
    jclass error_class = (*env)->FindClass(env, "facepredict/FacePredictException");
    jmethodID make_string, make_error;
    jbyteArray bytes;
    jstring utf8, message, name;
    if (!string_class || !error_class) {
        return NULL;
    }
    make_string = (*env)->GetMethodID(env, string_class, "<init>", "([BLjava/lang/String;)V");
    make_error = (*env)->GetMethodID(env, error_class, "<init>", "(ILjava/lang/String;Ljava/lang/String;)V");
    bytes = (*env)->NewByteArray(env, (jsize)length);
    utf8 = (*env)->NewStringUTF(env, "UTF-8");
    name = (*env)->NewStringUTF(env, face_predict_status_name(status));
    if (!make_string || !make_error || !bytes || !utf8 || !name) {
        return NULL;
    }
    (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)length, (const jbyte *)text);
    message = (jstring)(*env)->NewObject(env, string_class, make_string, bytes, utf8);
    if (!message) {
        return NULL;
    }
    return (jthrowable)(*env)->NewObject(env, error_class, make_error, (jint)status, name, message);
}

static void raise_status(JNIEnv *env, face_predict_status status, const char *text) {
    jthrowable error = error_of(env, status, text);
    if (error) {
        (*env)->Throw(env, error);
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

/* Makes a copy with a zero at its end. */
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

/* Makes options with regions of their own, which must be freed. Returns 0 on failure, with an exception. */
static int options_from(JNIEnv *env, face_predict_options *options, jintArray whole, jfloatArray shares,
                        jfloatArray regions) {
    static const face_predict_options defaults = FACE_PREDICT_OPTIONS_INIT;
    jint n[4];
    jfloat share[3];
    (*env)->GetIntArrayRegion(env, whole, 0, 4, n);
    (*env)->GetFloatArrayRegion(env, shares, 0, 3, share);
    *options = defaults;
    options->flags = (uint32_t)n[0];
    options->max_faces = (uint32_t)n[1];
    options->min_face_size = (uint32_t)n[2];
    options->crops = (uint32_t)n[3];
    options->age_coverage = share[0];
    options->gender_threshold = share[1];
    options->min_score = share[2];
    if (regions) {
        const jsize count = (*env)->GetArrayLength(env, regions);
        /* An empty array still means that faces are given. Without it the picture would be searched. */
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

/* This is NUMBERS of Image.java. */
enum { IMAGE_NUMBERS = 17 };

/* Makes a picture from its numbers (Image.java lists them) and three of the buffers. */
static face_predict_image image_from(JNIEnv *env, jobjectArray planes, jsize first, const jint n[IMAGE_NUMBERS]) {
    face_predict_image image = FACE_PREDICT_IMAGE_INIT;
    int i;
    image.format = (uint32_t)n[0];
    image.width = (uint32_t)n[1];
    image.height = (uint32_t)n[2];
    image.rotation = (uint32_t)n[3];
    image.mirrored = (uint32_t)n[4];
    image.chroma_step = (uint32_t)n[5];
    image.yuv = (uint32_t)n[6];
    image.bottom_up = (uint32_t)n[16];
    for (i = 0; i < 3; i++) {
        jobject buffer = (*env)->GetObjectArrayElement(env, planes, first + i);
        const char *data = buffer ? (*env)->GetDirectBufferAddress(env, buffer) : NULL;
        /* A size of 0 would mean that nothing is checked, but an empty buffer is no plane. */
        if (data && n[8 + 3 * i] > 0) {
            image.planes[i] = data + n[7 + 3 * i];
            image.sizes[i] = (size_t)n[8 + 3 * i];
        } else if (i == 0 && image.format == FACE_PREDICT_FORMAT_ENCODED) {
            image.planes[0] = "";
        }
        image.strides[i] = (size_t)n[9 + 3 * i];
        (*env)->DeleteLocalRef(env, buffer);
    }
    return image;
}

static face_predict_image one_image(JNIEnv *env, jobjectArray planes, jintArray numbers) {
    jint n[IMAGE_NUMBERS];
    (*env)->GetIntArrayRegion(env, numbers, 0, IMAGE_NUMBERS, n);
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

static face_predict_model_options model_options(jlong max_pixels) {
    face_predict_model_options options = FACE_PREDICT_MODEL_OPTIONS_INIT;
    options.max_pixels = (uint64_t)max_pixels;
    return options;
}

NATIVE(jint, version)(JNIEnv *env, jclass class) {
    (void)env, (void)class;
    return (jint)face_predict_version();
}

NATIVE(jlong, loadDefault)(JNIEnv *env, jclass class, jlong max_pixels) {
    const face_predict_model_options options = model_options(max_pixels);
    face_predict_model *model = NULL;
    (void)class;
    failed(env, face_predict_model_load_default(&options, &model));
    return (jlong)(uintptr_t)model;
}

NATIVE(jlong, loadFiles)(JNIEnv *env, jclass class, jobjectArray paths, jlong max_pixels) {
    const face_predict_model_options options = model_options(max_pixels);
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

NATIVE(jlong, loadMemory)(JNIEnv *env, jclass class, jbyteArray bytes, jlong max_pixels) {
    const face_predict_model_options options = model_options(max_pixels);
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

/* Returns the bytes of a text. */
static jbyteArray bytes_of(JNIEnv *env, const char *text) {
    const jsize length = text ? (jsize)strlen(text) : 0;
    jbyteArray bytes = (*env)->NewByteArray(env, length);
    if (bytes && length) {
        (*env)->SetByteArrayRegion(env, bytes, 0, length, (const jbyte *)text);
    }
    return bytes;
}

NATIVE(jint, features)(JNIEnv *env, jclass class) {
    (void)env, (void)class;
    return (jint)face_predict_features();
}

NATIVE(jbyteArray, name)(JNIEnv *env, jclass class, jlong model) {
    (void)class;
    return bytes_of(env, face_predict_model_name(model_of(model)));
}

NATIVE(jbyteArray, license)(JNIEnv *env, jclass class, jlong model) {
    const char *text = face_predict_model_license(model_of(model));
    (void)class;
    /* There is no memory for the detector, whose licence counts, too. */
    if (!text && failed(env, FACE_PREDICT_ERROR_OUT_OF_MEMORY)) {
        return NULL;
    }
    return bytes_of(env, text);
}

/* Returns name, version, licence and data. Tasks, width and height go into `numbers`. */
NATIVE(jobjectArray, network)(JNIEnv *env, jclass class, jlong model, jint task, jintArray numbers) {
    face_predict_network network;
    jclass bytes_class = (*env)->FindClass(env, "[B");
    jobjectArray texts = bytes_class ? (*env)->NewObjectArray(env, 4, bytes_class, NULL) : NULL;
    int i;
    (void)class;
    if (!texts || failed(env, face_predict_model_network(model_of(model), (uint32_t)task, &network, sizeof network))) {
        return NULL;
    }
    for (i = 0; i < 4; i++) {
        const char *const text[4] = {network.name, network.version, network.license, network.data};
        jbyteArray bytes = bytes_of(env, text[i]);
        if (!bytes) {
            return NULL;
        }
        (*env)->SetObjectArrayElement(env, texts, i, bytes);
        (*env)->DeleteLocalRef(env, bytes);
    }
    {
        const jint n[3] = {(jint)network.tasks, (jint)network.input_width, (jint)network.input_height};
        (*env)->SetIntArrayRegion(env, numbers, 0, 3, n);
    }
    return texts;
}

NATIVE(void, warmUp)(JNIEnv *env, jclass class, jlong model, jint width, jint height, jintArray whole,
                     jfloatArray shares, jfloatArray regions) {
    face_predict_options options;
    (void)class;
    if (options_from(env, &options, whole, shares, regions)) {
        failed(env, face_predict_model_warm_up(model_of(model), (uint32_t)width, (uint32_t)height, &options));
        free((void *)options.regions);
    }
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

/* Each result holds the error of its picture. */
NATIVE(void, batch)(JNIEnv *env, jclass class, jlong model, jlongArray results, jobjectArray planes, jintArray numbers,
                    jintArray whole, jfloatArray shares, jfloatArray regions, jint threads) {
    const jsize count = (*env)->GetArrayLength(env, results);
    face_predict_options options;
    /* One block holds the images, then pointers to them, then the results. */
    face_predict_image *images;
    const face_predict_image **from;
    face_predict_result **to;
    jsize i;
    (void)class;
    if (!options_from(env, &options, whole, shares, regions)) {
        return;
    }
    images = memory(env, (size_t)count * (sizeof *images + sizeof *from + sizeof *to));
    if (!images) {
        free((void *)options.regions);
        return;
    }
    from = (const face_predict_image **)(void *)(images + count);
    to = (face_predict_result **)(void *)(from + count);
    for (i = 0; i < count; i++) {
        jint n[IMAGE_NUMBERS];
        jlong result;
        (*env)->GetIntArrayRegion(env, numbers, IMAGE_NUMBERS * i, IMAGE_NUMBERS, n);
        (*env)->GetLongArrayRegion(env, results, i, 1, &result);
        images[i] = image_from(env, planes, 3 * i, n);
        from[i] = &images[i];
        to[i] = result_of(result);
    }
    (void)!face_predict_batch(model_of(model), from, (size_t)count, &options, (uint32_t)threads, to);
    free(images);
    free((void *)options.regions);
}

/* Returns the error of a result, or NULL if its call succeeded. */
NATIVE(jthrowable, error)(JNIEnv *env, jclass class, jlong result) {
    const face_predict_status status = face_predict_result_status(result_of(result));
    (void)class;
    return status == FACE_PREDICT_OK ? NULL : error_of(env, status, face_predict_result_message(result_of(result)));
}

NATIVE(jlong, newTracker)(JNIEnv *env, jclass class, jlong model, jint detect_every, jint estimate_every,
                          jfloat memory_seconds, jfloat lost_seconds) {
    face_predict_tracker_options options = FACE_PREDICT_TRACKER_OPTIONS_INIT;
    face_predict_tracker *tracker = NULL;
    (void)class;
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
    enum { FLOATS = 19, NUMBERS = 27 };
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
        /* The box, landmarks, score, age, its interval and the probability are consecutive floats. */
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
        n[26] = face.region_index == FACE_PREDICT_NO_REGION ? -1 : (jdouble)face.region_index;
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
