package facepredict;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Loaded networks. Loading is slow, so load once; all threads may use one model at the same time. Close it when none
 * does any more; a prediction that still runs is waited for by its own thread, which then frees the memory.
 */
public final class Model implements AutoCloseable {
    private interface Call {
        void run(long result);
    }

    private final ArrayDeque<Long> spare = new ArrayDeque<>();
    private long handle;
    private int users;
    private boolean closed;

    private Model(long handle) {
        this.handle = handle;
    }

    /** The built-in model. */
    public static Model loadDefault() {
        return loadDefault(0);
    }

    /** The built-in model, for pictures of so many pixels at most; 0: 64 Mi. */
    public static Model loadDefault(long maxPixels) {
        Native.require();
        return new Model(Native.loadDefault(maxPixels));
    }

    /** Model files, each a part (age, gender, both); parts that are not given come from the built-in model. */
    public static Model loadFiles(File... files) {
        Native.require();
        byte[][] paths = new byte[files.length][];
        for (int i = 0; i < files.length; i++) {
            paths[i] = utf8(files[i].getPath());
        }
        return new Model(Native.loadFiles(paths, 0));
    }

    /** The bytes of a model file, such as an Android asset. */
    public static Model loadBytes(byte[] model) {
        Native.require();
        return new Model(Native.loadMemory(Objects.requireNonNull(model, "model"), 0));
    }

    /** Version of the native library, such as "0.1.0". */
    public static String libraryVersion() {
        Native.require();
        int version = Native.version();
        return (version >> 16) + "." + (version >> 8 & 255) + "." + (version & 255);
    }

    /** Name and version of the networks, for logs. */
    public String name() {
        long model = enter();
        try {
            return new String(Native.name(model), StandardCharsets.UTF_8);
        } finally {
            leave(0);
        }
    }

    /** Estimates the faces of a picture in memory. */
    public Prediction predict(Image image, Options options) {
        Objects.requireNonNull(image, "image");
        Options o = Objects.requireNonNull(options, "options");
        ByteBuffer pixels = image.pixels;
        return run(result -> Native.predict(handle, result, image.format.number, image.width, image.height, pixels, pixels.position(),
                pixels.remaining(), image.stride, image.rotation, image.mirrored, o.flags, o.maxFaces, o.ageCoverage, o.genderThreshold,
                o.regions));
    }

    /** The same for a JPEG, PNG, WebP or BMP file; its Exif orientation is applied. */
    public Prediction predict(File file, Options options) {
        byte[] path = utf8(Objects.requireNonNull(file, "file").getPath());
        Options o = Objects.requireNonNull(options, "options");
        return run(result -> Native.predictFile(handle, result, path, o.flags, o.maxFaces, o.ageCoverage, o.genderThreshold, o.regions));
    }

    /** The same for the bytes of such a file. */
    public Prediction predict(byte[] encoded, Options options) {
        Objects.requireNonNull(encoded, "encoded");
        Options o = Objects.requireNonNull(options, "options");
        return run(result -> Native.predictEncoded(handle, result, encoded, null, 0, encoded.length, o.flags, o.maxFaces, o.ageCoverage,
                o.genderThreshold, o.regions));
    }

    /** The same for the bytes of such a file in a buffer, from its position to its limit; direct ones are not copied. */
    public Prediction predict(ByteBuffer encoded, Options options) {
        if (!Objects.requireNonNull(encoded, "encoded").isDirect()) {
            byte[] bytes = new byte[encoded.remaining()];
            encoded.duplicate().get(bytes);
            return predict(bytes, options);
        }
        Options o = Objects.requireNonNull(options, "options");
        return run(result -> Native.predictEncoded(handle, result, null, encoded, encoded.position(), encoded.remaining(), o.flags,
                o.maxFaces, o.ageCoverage, o.genderThreshold, o.regions));
    }

    /** Frees the model; may be called twice. */
    @Override
    public synchronized void close() {
        closed = true;
        freeIfUnused();
    }

    private void freeIfUnused() {
        if (users == 0 && handle != 0) {
            spare.forEach(Native::freeResult);
            spare.clear();
            Native.freeModel(handle);
            handle = 0;
        }
    }

    private synchronized long enter() {
        if (closed) {
            throw new IllegalStateException("the model is closed: load a new one");
        }
        users++;
        return handle;
    }

    private synchronized void leave(long result) {
        if (result != 0) {
            spare.push(result);
        }
        users--;
        if (closed) {
            freeIfUnused();
        }
    }

    private synchronized Long takeSpare() {
        return spare.poll();
    }

    private Prediction run(Call call) {
        enter();
        long result = 0;
        try {
            // Reused with its buffers; as many as threads ran at once.
            Long old = takeSpare();
            result = old != null ? old : Native.newResult();
            call.run(result);
            int[] size = Native.size(result);
            float[] all = Native.faces(result);
            List<Face> faces = new ArrayList<>();
            for (int i = 0; i < all.length / 21; i++) {
                faces.add(new Face(java.util.Arrays.copyOfRange(all, 21 * i, 21 * i + 21), Native.years(result, i)));
            }
            return new Prediction(size[0], size[1], faces);
        } finally {
            leave(result);
        }
    }

    private static byte[] utf8(String path) {
        if (path.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("the path holds a NUL character");
        }
        return path.getBytes(StandardCharsets.UTF_8);
    }
}
