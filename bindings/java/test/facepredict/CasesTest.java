package facepredict;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Runs the list of cases to which every binding must answer alike. */
public class CasesTest {
    static final File FOLDER = new File("tests/cases");

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    private static List<?> list(Map<String, Object> from, String key) {
        return (List<?>) from.getOrDefault(key, List.of());
    }

    private static float number(Map<String, Object> from, String key) {
        return ((Double) from.getOrDefault(key, 0.0)).floatValue();
    }

    private static float[] numbers(List<?> from) {
        float[] out = new float[from.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = ((Double) from.get(i)).floatValue();
        }
        return out;
    }

    static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    private static Prediction predict(Model model, Map<String, Object> one) throws Exception {
        float[] boxes = numbers(list(one, "boxes"));
        float[] landmarks = numbers(list(one, "landmarks"));
        List<Region> regions = new ArrayList<>();
        for (int i = 0; i < boxes.length / 4; i++) {
            float[] points = landmarks.length < 10 * (i + 1) ? null : java.util.Arrays.copyOfRange(landmarks, 10 * i, 10 * i + 10);
            regions.add(new Region(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3], points));
        }
        // Without boxes, or with an empty list of them, the picture is searched.
        Options options = new Options().regions(one.containsKey("boxes") ? regions : null).cropped(one.get("cropped") == Boolean.TRUE)
                .skipAge(one.get("skip_age") == Boolean.TRUE).skipGender(one.get("skip_gender") == Boolean.TRUE)
                .fastSearch(one.get("fast_search") == Boolean.TRUE).tryTurns(one.get("try_turns") == Boolean.TRUE)
                .maxFaces((int) number(one, "max_faces")).ageCoverage(number(one, "age_coverage"))
                .genderThreshold(number(one, "gender_threshold")).minFaceSize((int) number(one, "min_face_size"))
                .minScore(number(one, "min_score"))
                .crops((int) number(one, "crops"));
        File file = new File(FOLDER, (String) one.get("picture"));
        switch ((String) one.get("input")) {
            case "file": return model.predict(file, options);
            case "encoded": {
                byte[] bytes = Files.readAllBytes(file.toPath());
                Prediction answer = model.predict(bytes, options);
                assertEquals(answer.faces.toString(), model.predict(direct(bytes), options).faces.toString());
                return answer;
            }
            default:
                return model.predict(image(one, direct(Files.readAllBytes(file.toPath()))), options);
        }
    }

    /** Makes the planes of a raw picture: one, which the others follow, or one at each of "offsets". */
    private static Image image(Map<String, Object> one, ByteBuffer bytes) {
        float[] offsets = numbers(list(one, "offsets"));
        float[] sizes = numbers(list(one, "sizes"));
        int[] strides = new int[3];
        for (int i = 0; i < list(one, "strides").size(); i++) {
            strides[i] = (int) numbers(list(one, "strides"))[i];
        }
        ByteBuffer[] planes = new ByteBuffer[offsets.length];
        for (int i = 0; i < planes.length; i++) {
            planes[i] = bytes.duplicate().position((int) offsets[i]);
            planes[i].limit(i < sizes.length ? (int) (offsets[i] + sizes[i]) : bytes.limit());
        }
        Format format = Format.valueOf((String) one.get("format"));
        int width = (int) number(one, "width");
        int height = (int) number(one, "height");
        Image image;
        if (planes.length == 3) {
            image = Image.yuv420(width, height, planes[0], strides[0], planes[1], planes[2], strides[1], (int) number(one, "chroma_step"));
        } else if (planes.length == 2) {
            image = Image.biplanar(format, width, height, planes[0], strides[0], planes[1], strides[1]);
        } else {
            image = new Image(format, width, height, bytes, strides[0]);
        }
        if (one.containsKey("yuv")) {
            image = image.withYuv(Yuv.valueOf((String) one.get("yuv")));
        }
        image = image.rotated((int) number(one, "rotation"), one.get("mirrored") == Boolean.TRUE);
        return one.get("bottom_up") == Boolean.TRUE ? image.bottomUp() : image;
    }

    private static void same(String what, Object right, float answer, float tolerance) {
        if (right == null) {
            assertTrue(what, Float.isNaN(answer));
        } else {
            assertEquals(what, (Double) right, answer, tolerance);
        }
    }

    @Test
    public void everyCaseIsAnsweredAlike() throws Exception {
        Map<String, Object> all = map(Json.read(Files.readString(new File(FOLDER, "cases.json").toPath())));
        float years = number(map(all.get("tolerance")), "years");
        float share = number(map(all.get("tolerance")), "probability");
        try (Model model = Model.loadDefault()) {
            assertEquals(all.get("model"), model.name());
            for (Object item : list(all, "cases")) {
                Map<String, Object> one = map(item);
                String name = (String) one.get("name");
                Prediction answer;
                try {
                    answer = predict(model, one);
                } catch (FacePredictException error) {
                    assertEquals(name + ": " + error.getMessage(), (int) number(one, "status"), error.status());
                    assertTrue(name + ": " + error.getMessage(), error.getMessage().contains((String) one.get("message")));
                    continue;
                }
                assertEquals(name, 0, (int) number(one, "status"));
                float[] size = numbers(list(one, "size"));
                assertEquals(name, (int) size[0], answer.width);
                assertEquals(name, (int) size[1], answer.height);
                assertEquals(name, list(one, "faces").size(), answer.faces.size());
                for (int i = 0; i < answer.faces.size(); i++) {
                    Map<String, Object> right = map(list(one, "faces").get(i));
                    Face face = answer.faces.get(i);
                    same(name, right.get("age"), face.age, years);
                    same(name, right.get("age_low"), face.ageLow, years);
                    same(name, right.get("age_high"), face.ageHigh, years);
                    same(name, right.get("adult"), face.ageAtLeast(18), share);
                    same(name, right.get("female_probability"), face.femaleProbability, share);
                    assertEquals(name, right.get("gender"), face.gender.name().toLowerCase());
                    List<String> reasons = new ArrayList<>();
                    face.quality.forEach(reason -> reasons.add(reason.name().toLowerCase()));
                    assertEquals(name, list(right, "quality"), reasons);
                    same(name, right.get("score"), face.score, share);
                    List<?> pose = (List<?>) right.get("pose");
                    float degrees = number(map(all.get("tolerance")), "degrees");
                    same(name, pose == null ? null : pose.get(0), face.yaw, degrees);
                    same(name, pose == null ? null : pose.get(1), face.pitch, degrees);
                    same(name, pose == null ? null : pose.get(2), face.roll, degrees);
                    assertEquals(name, 0, face.trackId);
                    float[] box = numbers(list(right, "box"));
                    org.junit.Assert.assertArrayEquals(box, new float[] {face.x, face.y, face.width, face.height}, 0.001f);
                }
            }
        }
    }
}
