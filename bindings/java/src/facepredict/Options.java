package facepredict;

import java.util.List;

/**
 * Options of a prediction. Options that are not set have the library's defaults, by which the faces are searched. Only
 * one thread may use it while it is being changed.
 */
public final class Options {
    int flags;
    int maxFaces;
    float ageCoverage;
    float genderThreshold;
    int minFaceSize;
    float minScore;
    int crops;
    /** Null means a search. */
    float[] regions;

    /**
     * Gives the faces, if they were found already. Nothing is then searched, even if the list is empty. Null means a
     * search. A region of which no part lies in the picture is an error.
     */
    public Options regions(List<Region> given) {
        if (given == null) {
            regions = null;
            return this;
        }
        float[] all = new float[14 * given.size()];
        for (int i = 0; i < given.size(); i++) {
            System.arraycopy(given.get(i).numbers, 0, all, 14 * i, 14);
        }
        regions = all;
        return this;
    }

    /** Says whether the whole picture is one face. */
    public Options cropped(boolean on) {
        return flag(1 << 2, on);
    }

    public Options skipAge(boolean on) {
        return flag(1, on);
    }

    public Options skipGender(boolean on) {
        return flag(1 << 1, on);
    }

    /**
     * Searches as a tracker searches its frames: at one small scale, in a fifth to a sixth of the time. Most faces
     * below a sixteenth of the picture's longer side are then missed.
     */
    public Options fastSearch(boolean on) {
        return flag(1 << 3, on);
    }

    /**
     * Searches upright and in the three other quarter turns, for pictures that may lie on a side or stand upside down.
     * It takes four to five times as long.
     */
    public Options tryTurns(boolean on) {
        return flag(1 << 4, on);
    }

    /** Keeps at most this many faces, the largest. 0 means all. */
    public Options maxFaces(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("maxFaces is " + count);
        }
        maxFaces = count;
        return this;
    }

    /** Sets the probability that the true age lies between ageLow and ageHigh. 0 means 0.8. */
    public Options ageCoverage(float share) {
        ageCoverage = share;
        return this;
    }

    /** Sets the smallest probability for which a label is given, from 0.5 to 1. 0 means the threshold of the model. */
    public Options genderThreshold(float share) {
        genderThreshold = share;
        return this;
    }

    /**
     * Sets the smallest face that is searched for, as the shorter side of its box in pixels of the picture. 0 means a
     * fiftieth of the longer side, and at least 13 pixels; the smallest of these are often missed. A smaller number
     * searches more closely, and each halving can take four times as long.
     */
    public Options minFaceSize(int pixels) {
        if (pixels < 0) {
            throw new IllegalArgumentException("minFaceSize is " + pixels);
        }
        minFaceSize = pixels;
        return this;
    }

    /**
     * Sets the smallest score of a found face that is kept, above 0 and below 1. 0 means the threshold of the model.
     */
    public Options minScore(float score) {
        minScore = score;
        return this;
    }

    /**
     * Sets the number of crops of each face whose answers are averaged, from 1 to 8. The second crop is mirrored, and
     * further ones are also shifted a little. Each crop takes as much time as the first.
     */
    public Options crops(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("crops is " + count);
        }
        crops = count;
        return this;
    }

    /** Returns the whole numbers for JNI. */
    int[] whole() {
        return new int[] {flags, maxFaces, minFaceSize, crops};
    }

    float[] shares() {
        return new float[] {ageCoverage, genderThreshold, minScore};
    }

    private Options flag(int bit, boolean on) {
        flags = on ? flags | bit : flags & ~bit;
        return this;
    }
}
