package facepredict;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Loaded networks. Loading is slow, so load once. All threads may use one model at the same time. Close it when no
 * thread needs it any more. If a prediction still runs, its thread frees the memory when it ends.
 */
public final class Model implements AutoCloseable {
    /** The pictures of a batch that are held, and predicted, at once. */
    private static final int CHUNK = 32;

    private interface Call {
        void run(long result);
    }

    interface HandleUse<T> {
        T with(long model);
    }

    private final ArrayDeque<Long> spare = new ArrayDeque<>();
    private long handle;
    private int users;
    private boolean closed;

    private Model(long handle) {
        this.handle = handle;
    }

    /** Loads the built-in model. */
    public static Model loadDefault() {
        return loadDefault(new ModelOptions());
    }

    public static Model loadDefault(ModelOptions options) {
        Native.require();
        return new Model(Native.loadDefault(options.maxPixels));
    }

    /**
     * Loads model files, each of which is a part (detector, age, gender). Parts that are not given come from the
     * built-in model.
     */
    public static Model loadFiles(File... files) {
        return loadFiles(new ModelOptions(), files);
    }

    public static Model loadFiles(ModelOptions options, File... files) {
        Native.require();
        byte[][] paths = new byte[files.length][];
        for (int i = 0; i < files.length; i++) {
            paths[i] = utf8(files[i].getPath());
        }
        return new Model(Native.loadFiles(paths, options.maxPixels));
    }

    /** Loads the bytes of a model file, such as an Android asset. */
    public static Model loadBytes(byte[] model) {
        return loadBytes(new ModelOptions(), model);
    }

    public static Model loadBytes(ModelOptions options, byte[] model) {
        Native.require();
        return new Model(Native.loadMemory(Objects.requireNonNull(model, "model"), options.maxPixels));
    }

    /** Returns the version of the native library, such as "0.1.0". */
    public static String libraryVersion() {
        Native.require();
        int version = Native.version();
        return (version >> 16) + "." + (version >> 8 & 255) + "." + (version & 255);
    }

    /** Returns the name and version of the networks, for logs. */
    public String name() {
        return withHandle(model -> new String(Native.name(model), StandardCharsets.UTF_8));
    }

    /**
     * Returns the licences of the weights, each with the name of its network. The weights that are built in by default
     * are for non-commercial research.
     */
    public String license() {
        return withHandle(model -> new String(Native.license(model), StandardCharsets.UTF_8));
    }

    /** Returns the network that does a task. One network may do several. */
    public Network network(Network.Task task) {
        int bit = Objects.requireNonNull(task, "task").bit;
        return withHandle(model -> {
            int[] numbers = new int[3];
            byte[][] bytes = Native.network(model, bit, numbers);
            String[] texts = new String[bytes.length];
            for (int i = 0; i < bytes.length; i++) {
                texts[i] = new String(bytes[i], StandardCharsets.UTF_8);
            }
            return new Network(texts, numbers);
        });
    }

    /** Prepares for pictures of this size, so that the first takes no longer than the others. */
    public void warmUp(int width, int height, Options options) {
        Options o = Objects.requireNonNull(options, "options");
        if (width < 0 || height < 0) {
            throw new IllegalArgumentException("negative size: " + width + "x" + height);
        }
        withHandle(model -> {
            Native.warmUp(model, width, height, o.whole(), o.shares(), o.regions);
            return null;
        });
    }

    /** Finds the faces of a picture in memory, unless they are given, and estimates them. */
    public Prediction predict(Image image, Options options) {
        Objects.requireNonNull(image, "image");
        Options o = Objects.requireNonNull(options, "options");
        return run(result -> Native.predict(handle, result, image.buffers(), image.numbers(), o.whole(), o.shares(), o.regions));
    }

    public Prediction predict(Image image) {
        return predict(image, new Options());
    }

    /** Does the same for a JPEG, PNG, WebP or BMP file. Its Exif orientation is applied. */
    public Prediction predict(File file, Options options) {
        byte[] path = utf8(Objects.requireNonNull(file, "file").getPath());
        Options o = Objects.requireNonNull(options, "options");
        return run(result -> Native.predictFile(handle, result, path, o.whole(), o.shares(), o.regions));
    }

    public Prediction predict(File file) {
        return predict(file, new Options());
    }

    /** Does the same for the bytes of such a file. */
    public Prediction predict(byte[] encoded, Options options) {
        Objects.requireNonNull(encoded, "encoded");
        Options o = Objects.requireNonNull(options, "options");
        return run(result -> Native.predictEncoded(handle, result, encoded, null, 0, encoded.length, o.whole(), o.shares(), o.regions));
    }

    /**
     * Does the same for the bytes of such a file in a buffer, from its position to its limit. Direct buffers are not
     * copied.
     */
    public Prediction predict(ByteBuffer encoded, Options options) {
        if (!Objects.requireNonNull(encoded, "encoded").isDirect()) {
            byte[] bytes = new byte[encoded.remaining()];
            encoded.duplicate().get(bytes);
            return predict(bytes, options);
        }
        Options o = Objects.requireNonNull(options, "options");
        return run(result -> Native.predictEncoded(handle, result, null, encoded, encoded.position(), encoded.remaining(), o.whole(),
                o.shares(), o.regions));
    }

    /**
     * Predicts many pictures, which may be encoded, on this many threads. 0 and 1 mean the caller's thread alone. A
     * picture that fails does not stop the rest: its answer holds the error. If the whole call fails, each answer holds
     * that error. Options with regions fail, since regions belong to one picture.
     */
    public List<Answer> predictBatch(List<Image> images, Options options, int threads) {
        if (threads < 0) {
            throw new IllegalArgumentException("threads is " + threads);
        }
        Options o = Objects.requireNonNull(options, "options");
        List<Image> all = List.copyOf(images);
        return withHandle(model -> {
            List<Answer> answers = new ArrayList<>();
            for (int start = 0; start < all.size(); start += CHUNK) {
                answers.addAll(some(model, all.subList(start, Math.min(start + CHUNK, all.size())), o, threads));
            }
            return answers;
        });
    }

    /** Does the same on the caller's thread. */
    public List<Answer> predictBatch(List<Image> images, Options options) {
        return predictBatch(images, options, 1);
    }

    private static List<Answer> some(long model, List<Image> images, Options o, int threads) {
        int count = images.size();
        long[] results = new long[count];
        try {
            ByteBuffer[] buffers = new ByteBuffer[3 * count];
            int[] numbers = new int[Image.NUMBERS * count];
            for (int i = 0; i < count; i++) {
                System.arraycopy(images.get(i).buffers(), 0, buffers, 3 * i, 3);
                System.arraycopy(images.get(i).numbers(), 0, numbers, Image.NUMBERS * i, Image.NUMBERS);
                results[i] = Native.newResult();
            }
            Native.batch(model, results, buffers, numbers, o.whole(), o.shares(), o.regions, threads);
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                FacePredictException error = Native.error(results[i]);
                answers.add(new Answer(error == null ? Prediction.of(results[i]) : null, error));
            }
            return answers;
        } finally {
            for (long result : results) {
                Native.freeResult(result);
            }
        }
    }

    /** Frees the model. It may be called twice. */
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

    /** Uses the handle, which stays valid meanwhile. It is not named `use`, which would hide Kotlin's function. */
    <T> T withHandle(HandleUse<T> call) {
        long model = enter();
        try {
            return call.with(model);
        } finally {
            leave(0);
        }
    }

    private Prediction run(Call call) {
        enter();
        long result = 0;
        try {
            // The results are used again with their buffers. There are as many as threads ran at once.
            Long old = takeSpare();
            result = old != null ? old : Native.newResult();
            call.run(result);
            return Prediction.of(result);
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
