package facepredict;

/** How to load a model. What is not set is the library's default. */
public final class ModelOptions {
    long maxPixels;
    int threads;

    /** Largest picture accepted, in pixels; 0: 64 Mi. */
    public ModelOptions maxPixels(long pixels) {
        if (pixels < 0) {
            throw new IllegalArgumentException("maxPixels is " + pixels);
        }
        maxPixels = pixels;
        return this;
    }

    /** Threads for a batch; 0 or 1: the caller's only. */
    public ModelOptions threads(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("threads is " + count);
        }
        threads = count;
        return this;
    }
}
