package facepredict;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Locale;

/** The functions of face_predict_jni.c. Handles are pointers, and only Model and Tracker see them. */
final class Native {
    /** The major version of the C interface that this package needs. */
    static final int ABI_MAJOR = 0;

    private static final Throwable MISSING = load();

    private Native() {}

    private static Throwable load() {
        String path = System.getProperty("facepredict.library");
        try {
            if (path != null) {
                System.load(path);
            } else {
                loadByName();
            }
            int version = version();
            if (version >> 16 != ABI_MAJOR) {
                return new UnsatisfiedLinkError("the native library is version " + (version >> 16) + "." + (version >> 8 & 255) + "."
                        + (version & 255) + ", this package needs major version " + ABI_MAJOR + ": install both of one version");
            }
            return null;
        } catch (UnsatisfiedLinkError error) {
            return new UnsatisfiedLinkError("the native library face_predict_jni is missing or does not fit (" + error.getMessage()
                    + "): build it with bindings/java/build.sh, then set -Djava.library.path to its folder or "
                    + "-Dfacepredict.library to the file");
        }
    }

    /** Loads the library from the library path, or from the jar if the path has none. */
    private static void loadByName() {
        try {
            System.loadLibrary("face_predict_jni");
        } catch (UnsatisfiedLinkError error) {
            File carried;
            try {
                carried = carried();
            } catch (IOException unwritable) {
                throw new UnsatisfiedLinkError("the jar's own library cannot be unpacked: " + unwritable.getMessage());
            }
            if (carried == null) {
                throw error;
            }
            try {
                System.load(carried.getAbsolutePath());
            } finally {
                // If a loaded file can be removed, it is removed at once. Otherwise it is removed at the end.
                if (!carried.delete()) {
                    carried.deleteOnExit();
                }
            }
        }
    }

    /**
     * Writes this system's library from the jar to a temporary file, since only files can be loaded. Returns null if
     * the jar has none.
     */
    private static File carried() throws IOException {
        String name = System.mapLibraryName("face_predict_jni");
        try (InputStream in = Native.class.getResourceAsStream("native/" + system() + "/" + name)) {
            if (in == null) {
                return null;
            }
            File file = File.createTempFile("face_predict", name);
            try (OutputStream out = new FileOutputStream(file)) {
                byte[] bytes = new byte[1 << 16];
                for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                    out.write(bytes, 0, count);
                }
            } catch (IOException error) {
                file.delete();
                throw error;
            }
            return file;
        }
    }

    /** Returns the name of this system's folder in the jar, such as linux-x86_64 or windows-x86_64. */
    private static String system() {
        String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT), arch = System.getProperty("os.arch", "");
        os = os.startsWith("windows") ? "windows" : os.startsWith("mac") ? "macos" : "linux";
        return os + "-" + (arch.equals("amd64") ? "x86_64" : arch.equals("arm64") ? "aarch64" : arch);
    }

    /**
     * Throws if the library is missing. It does so each time and with the reason, unlike a failed static initialiser.
     */
    static void require() {
        if (MISSING != null) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError(MISSING.getMessage());
            error.initCause(MISSING);
            throw error;
        }
    }

    static native int version();

    static native long loadDefault(long maxPixels);

    static native long loadFiles(byte[][] paths, long maxPixels);

    static native long loadMemory(byte[] model, long maxPixels);

    static native int features();

    static native byte[] name(long model);

    static native byte[] license(long model);

    /** Returns name, version, licence and data. Tasks, width and height go into {@code numbers}. */
    static native byte[][] network(long model, int task, int[] numbers);

    static native void warmUp(long model, int width, int height, int[] whole, float[] shares, float[] regions);

    static native void freeModel(long model);

    static native long newResult();

    static native void freeResult(long result);

    // Pictures are three buffers and Image.numbers(). Options are whole numbers, shares and regions; null regions mean
    // a search.

    static native void predict(long model, long result, ByteBuffer[] planes, int[] numbers, int[] whole, float[] shares,
            float[] regions);

    static native void predictFile(long model, long result, byte[] path, int[] whole, float[] shares, float[] regions);

    /** Reads the array, or the direct buffer if the array is null. */
    static native void predictEncoded(long model, long result, byte[] array, ByteBuffer buffer, int offset, int size, int[] whole,
            float[] shares, float[] regions);

    /** Each result holds the error of its picture. */
    static native void batch(long model, long[] results, ByteBuffer[] planes, int[] numbers, int[] whole, float[] shares,
            float[] regions, int threads);

    /** Returns the error of a result, or null if its call succeeded. */
    static native FacePredictException error(long result);

    static native long newTracker(long model, int detectEvery, int estimateEvery, float memorySeconds, float lostSeconds);

    static native void update(long tracker, long result, long timeMicros, ByteBuffer[] planes, int[] numbers, int[] whole,
            float[] shares, float[] regions);

    static native void resetTracker(long tracker);

    static native void freeTracker(long tracker);

    /** Returns width and height. */
    static native int[] size(long result);

    /** Returns Face.NUMBERS for each face. Doubles are large enough for the numbers of tracks. */
    static native double[] faces(long result);

    /** Returns the years, or nothing if there is no age. */
    static native float[] years(long result, int face);
}
