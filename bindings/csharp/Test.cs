// Tests of FacePredict.cs. test.exe is started from the top of the repository. With "load" it only loads the library, and prints what is
// wrong.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Runtime.InteropServices;
using System.Threading;
using FacePredict;

internal static class Test
{
    private const string Folder = "tests/cases/";
    private static int wrong;

    private static void Check(bool right, string what)
    {
        if (!right)
        {
            Console.Error.WriteLine(what);
            wrong++;
        }
    }

    private static void Fails<T>(string what, string message, Action call, int status = 0) where T : Exception
    {
        try
        {
            call();
            Check(false, what + ": no exception");
        }
        catch (T error)
        {
            Check(error.Message.Contains(message), what + ": " + error.Message);
            FacePredictException ours = error as FacePredictException;
            Check(ours == null || (ours.Status == status && ours.StatusName.StartsWith("FACE_PREDICT_ERROR_")), what + ": status " + (ours == null ? 0 : ours.Status));
        }
    }

    private static float Number(Dictionary<string, object> from, string key)
    {
        object value;
        return from.TryGetValue(key, out value) && value is double ? (float)(double)value : 0;
    }

    private static bool Flag(Dictionary<string, object> from, string key)
    {
        object value;
        return from.TryGetValue(key, out value) && Equals(value, true);
    }

    private static float[] Numbers(Dictionary<string, object> from, string key)
    {
        object value;
        return from.TryGetValue(key, out value) ? ((List<object>)value).Select(n => (float)(double)n).ToArray() : new float[0];
    }

    private static Prediction Predict(Model model, Dictionary<string, object> one)
    {
        float[] boxes = Numbers(one, "boxes"), points = Numbers(one, "landmarks");
        Region[] regions = new Region[boxes.Length / 4];
        for (int i = 0; i < regions.Length; i++)
        {
            regions[i] = new Region(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]);
            if (points.Length >= 10 * (i + 1))
            {
                Point[] p = Enumerable.Range(0, 5).Select(n => new Point(points[10 * i + 2 * n], points[10 * i + 2 * n + 1])).ToArray();
                regions[i].LeftEye = p[0];
                regions[i].RightEye = p[1];
                regions[i].Nose = p[2];
                regions[i].LeftMouth = p[3];
                regions[i].RightMouth = p[4];
            }
        }
        Options options = new Options
        {
            // Without boxes, or with an empty list of them, the picture is searched.
            Regions = one.ContainsKey("boxes") ? regions : null,
            MinFaceSize = (int)Number(one, "min_face_size"),
            MinScore = Number(one, "min_score"),
            Crops = (int)Number(one, "crops"),
            Cropped = Flag(one, "cropped"),
            FastSearch = Flag(one, "fast_search"),
            TryTurns = Flag(one, "try_turns"),
            SkipAge = Flag(one, "skip_age"),
            SkipGender = Flag(one, "skip_gender"),
            MaxFaces = (int)Number(one, "max_faces"),
            AgeCoverage = Number(one, "age_coverage"),
            GenderThreshold = Number(one, "gender_threshold"),
        };
        string path = Folder + one["picture"];
        switch ((string)one["input"])
        {
            case "file": return model.Predict(path, options);
            case "encoded": return model.Predict(File.ReadAllBytes(path), options);
            default:
                return model.Predict(Picture(one, File.ReadAllBytes(path)), options);
        }
    }

    /// <summary>Makes the planes of a raw picture: one, which the others follow, or one at each of "offsets".</summary>
    private static Image Picture(Dictionary<string, object> one, byte[] bytes)
    {
        float[] offsets = one.ContainsKey("offsets") ? Numbers(one, "offsets") : new float[1];
        float[] sizes = Numbers(one, "sizes"), strides = Numbers(one, "strides");
        Plane[] planes = offsets.Select((offset, i) => new Plane(bytes, i < strides.Length ? (int)strides[i] : 0, (int)offset,
            i < sizes.Length ? (int)sizes[i] : bytes.Length - (int)offset)).ToArray();
        Format format = (Format)Enum.Parse(typeof(Format), (string)one["format"], true);
        return new Image(format, (int)Number(one, "width"), (int)Number(one, "height"), planes)
        {
            Rotation = (int)Number(one, "rotation"),
            Mirrored = Flag(one, "mirrored"),
            BottomUp = Flag(one, "bottom_up"),
            ChromaStep = (int)Number(one, "chroma_step"),
            Yuv = one.ContainsKey("yuv") ? (Yuv)Enum.Parse(typeof(Yuv), ((string)one["yuv"]).Replace("_", ""), true) : Yuv.Bt601Limited,
        };
    }

    private static void Same(string what, object right, float? answer, float tolerance)
    {
        Check(right == null ? answer == null : answer != null && Math.Abs((double)right - (double)answer) <= tolerance,
            what + " is " + answer + ", " + right + " is right");
    }

    private static void Cases(Model model)
    {
        Dictionary<string, object> all = (Dictionary<string, object>)new Json(File.ReadAllText(Folder + "cases.json")).Value();
        Dictionary<string, object> tolerance = (Dictionary<string, object>)all["tolerance"];
        float years = Number(tolerance, "years"), pixels = Number(tolerance, "pixels"), share = Number(tolerance, "probability");
        List<object> cases = (List<object>)all["cases"];
        Check((string)all["model"] == model.Name, "the answers are of " + all["model"]);
        foreach (Dictionary<string, object> one in cases)
        {
            string name = (string)one["name"];
            int status = (int)Number(one, "status");
            Prediction answer;
            try
            {
                answer = Predict(model, one);
            }
            catch (FacePredictException error)
            {
                Check(error.Status == status && error.Message.Contains((string)one["message"]), name + ": " + error.Message);
                continue;
            }
            Check(status == 0, name + ": should fail");
            List<object> faces = (List<object>)one["faces"];
            float[] size = Numbers(one, "size");
            Check(answer.Width == size[0] && answer.Height == size[1], name + ": size");
            Check(answer.Faces.Count == faces.Count, name + ": number of faces");
            for (int i = 0; i < answer.Faces.Count; i++)
            {
                Dictionary<string, object> right = (Dictionary<string, object>)faces[i];
                Face face = answer.Faces[i];
                Same(name + ": age", right["age"], face.Age, years);
                Same(name + ": age_low", right["age_low"], face.AgeLow, years);
                Same(name + ": age_high", right["age_high"], face.AgeHigh, years);
                Same(name + ": adult", right["adult"], face.AgeAtLeast(18), share);
                Same(name + ": female", right["female_probability"], face.FemaleProbability, share);
                Check(face.Gender.ToString().ToLowerInvariant() == (string)right["gender"], name + ": gender");
                Quality quality = ((List<object>)right["quality"]).Aggregate(Quality.Good, (all_, reason) =>
                    all_ | (Quality)Enum.Parse(typeof(Quality), ((string)reason).Replace("_", ""), true));
                Check(face.Quality == quality, name + ": quality");
                Same(name + ": score", right["score"], face.Score, share);
                List<object> pose = (List<object>)right["pose"];
                Same(name + ": yaw", pose?[0], face.Yaw, Number(tolerance, "degrees"));
                Same(name + ": pitch", pose?[1], face.Pitch, Number(tolerance, "degrees"));
                Same(name + ": roll", pose?[2], face.Roll, Number(tolerance, "degrees"));
                Check(face.TrackId == 0 && face.TrackEstimates == 0, name + ": a track without a tracker");
                float[] box = { face.X, face.Y, face.Width, face.Height };
                Check(Numbers(right, "box").Zip(box, (a, b) => Math.Abs(a - b)).All(gap => gap <= pixels), name + ": box");
            }
        }
        Console.WriteLine(cases.Count + " cases");
    }

    /// <summary>The first call for the licences loads the detector. It is slow enough for a model to be disposed meanwhile.</summary>
    private static void DisposedWhileRead()
    {
        Model model = new Model();
        string license = null;
        Thread reader = new Thread(() =>
        {
            try
            {
                license = model.License;
            }
            catch (ObjectDisposedException error)
            {
                license = error.ObjectName;
            }
        });
        reader.Start();
        Thread.Sleep(20);
        model.Dispose();
        reader.Join();
        Check(license == "Model" || license.Contains("base"), "licences of a model that was disposed meanwhile: " + license);
    }

    private static void Binding(Model model)
    {
        const string picture = Folder + "pictures/face.bmp", gender = Folder + "untrained_gender.onnx";
        Options cropped = new Options { Cropped = true };
        Model closed = new Model();
        closed.Dispose();
        closed.Dispose();
        Fails<ObjectDisposedException>("closed", "load a new one", () => closed.Predict(picture, cropped));
        Fails<ObjectDisposedException>("closed", "load a new one", () => closed.Name.ToString());
        using (Model file = new Model(gender, gender))
        using (Model bytes = new Model(File.ReadAllBytes(gender)))
        {
            Check(file.Name.Contains("untrained-gender") && file.Name == bytes.Name, file.Name);
        }
        Fails<FacePredictException>("no such model", "absent ä.onnx", () => new Model("absent ä.onnx"), 20);
        Fails<FacePredictException>("no model", "", () => new Model(new byte[] { 1, 2 }), 40);
        Fails<FacePredictException>("empty model", "", () => new Model(new byte[0]), 40);
        Fails<FacePredictException>("a limit", "100", () => new Model(new ModelOptions { MaxPixels = 100 }).Predict(picture, cropped), 22);
        Fails<ArgumentNullException>("null", "path", () => model.Predict((string)null, cropped));
        Fails<ArgumentNullException>("null", "encoded", () => model.Predict((byte[])null, cropped));
        Fails<ArgumentNullException>("null", "array", () => new Image(Format.Rgb, 1, 1, (byte[])null));
        Fails<ArgumentNullException>("null", "image", () => model.Predict((Image)null, cropped));
        Fails<ArgumentException>("NUL", "NUL", () => model.Predict("a\0b", cropped));
        Fails<ArgumentOutOfRangeException>("negative", "-1", () => new Image(Format.Rgb, -1, 1, new byte[3]));
        Fails<ArgumentOutOfRangeException>("bottom-up", "BottomUp", () => model.Predict(new Image(Format.Rgb, 1, 1, new byte[3], -3), cropped));
        Fails<ArgumentOutOfRangeException>("negative", "-1 bytes", () => new Plane(IntPtr.Zero, -1));
        Fails<ArgumentOutOfRangeException>("beyond", "array of 3", () => new Plane(new byte[3], 0, 2, 2));
        Fails<ArgumentOutOfRangeException>("negative", "-90", () => model.Predict(new Image(Format.Rgb, 1, 1, new byte[3]) { Rotation = -90 }, cropped));
        Fails<ArgumentOutOfRangeException>("negative", "MaxFaces", () => model.Predict(picture, new Options { Cropped = true, MaxFaces = -1 }));
        Fails<ArgumentException>("planes", "0 planes", () => new Image(Format.Rgb, 1, 1));
        Fails<FacePredictException>("no pixels", "planes[0]", () => model.Predict(new Image(Format.Rgb, 1, 1, new byte[0]), cropped), 1);
        Fails<FacePredictException>("format", "15", () => model.Predict(new Image((Format)15, 1, 1, new byte[64]), cropped), 2);
        Fails<FacePredictException>("yuv", "yuv is 7", () => model.Predict(new Image(Format.Yuyv, 2, 2, new byte[64]) { Yuv = (Yuv)7 }, cropped), 2);
        Fails<FacePredictException>("too small", "plane 0 has 5 bytes", () => model.Predict(new Image(Format.Bgra, 2, 2, new byte[5]), cropped), 4);
        Fails<FacePredictException>("no room", "plane 1 has 0 bytes", () => model.Predict(new Image(Format.Nv12, 8, 8, new byte[64]), cropped), 4);
        Fails<FacePredictException>("too many", "planes", () => model.Predict(new Image(Format.Rgb, 1, 1, new Plane(new byte[3]), new Plane(new byte[3])), cropped), 2);
        Fails<FacePredictException>("no picture", "no JPEG", () => model.Predict(new byte[0], cropped), 21);

        Face face = model.Predict(picture, cropped).Faces[0];
        Check(Math.Abs(face.AgeDistribution.Sum() - 1) < 1e-3 && face.AgeAtLeast(float.PositiveInfinity) == 0, "distribution");
        Check(face.Landmarks == null && face.Score == null, "what is not known is null");

        Options boxes = new Options { Regions = new[] { new Region(20, 22, 28, 36), new Region(20, 22, 56, 73) } };
        IReadOnlyList<Face> regions = model.Predict(picture, boxes).Faces;
        Check(regions[0].RegionIndex == 1 && regions[1].RegionIndex == 0 && face.RegionIndex == null, "regions come back with their index");
        Check(model.License.Contains("non-commercial research"), model.License);
        Network detector = model.Network(Tasks.Detect);
        Check(detector.Name == "detector" && detector.Tasks == Tasks.Detect && detector.License.Contains("WIDER FACE"), "a network");
        Check(model.Network(Tasks.Age).Tasks == (Tasks.Age | Tasks.Gender) && detector.InputWidth > 0, "a network of two tasks");
        model.WarmUp(320, 240);
        Fails<FacePredictException>("warming up", "picture size 0x1", () => model.WarmUp(0, 1), 2);

        // The detector's own tests check what it finds. This one checks that a search runs and gives plausible faces.
        foreach (Face found in model.Predict(picture, new Options { MinFaceSize = 20, MinScore = 0.01f }).Faces)
        {
            Check(found.Score >= 0.01f && found.Landmarks.Count == 5 && found.Yaw != null, "a face that was found");
        }
        Check(model.Predict(picture).Width == 96, "no options: search");
        Check(model.Predict(picture, new Options { Regions = new Region[0] }).Faces.Count == 0, "no regions, no search");
        Fails<FacePredictException>("score", "min_score", () => model.Predict(picture, new Options { MinScore = 2 }), 2);

        // Four threads use one model, which is disposed while they work.
        Model shared = new Model();
        List<float> ages = new List<float>();
        List<Exception> errors = new List<Exception>();
        List<Thread> threads = Enumerable.Range(0, 4).Select(n => new Thread(() =>
        {
            try
            {
                for (int i = 0; i < 25; i++)
                {
                    float age = shared.Predict(picture, cropped).Faces[0].Age.Value;
                    lock (ages)
                    {
                        ages.Add(age);
                    }
                }
            }
            catch (ObjectDisposedException)
            {
            }
            catch (Exception error)
            {
                lock (errors)
                {
                    errors.Add(error);
                }
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        while (true)
        {
            lock (ages)
            {
                if (ages.Count >= 10 || errors.Count > 0)
                {
                    break;
                }
            }
            Thread.Sleep(1);
        }
        shared.Dispose();
        threads.ForEach(thread => thread.Join());
        Check(errors.Count == 0, errors.Count > 0 ? errors[0].ToString() : "");
        Check(ages.Distinct().Count() == 1 && ages[0] == face.Age, "threads share a model");
    }

    private static void Following()
    {
        Image image = new Image(Format.Rgb, 96, 108, File.ReadAllBytes(Folder + "pictures/face_rgb.raw"));
        Options box = new Options { Regions = new[] { new Region(20, 22, 56, 73) } };
        Func<int, TimeSpan> after = milliseconds => TimeSpan.FromMilliseconds(milliseconds);
        Model model = new Model();
        Tracker tracker = new Tracker(model, new TrackerOptions { EstimateEvery = 2 });
        Fails<FacePredictException>("options", "lost_seconds", () => new Tracker(model, new TrackerOptions { LostSeconds = -1 }), 2);
        Fails<ArgumentOutOfRangeException>("options", "DetectEvery", () => new Tracker(model, new TrackerOptions { DetectEvery = -1 }));
        model.Dispose();
        Fails<ObjectDisposedException>("disposed", "load a new one", () => new Tracker(model));
        Face first = tracker.Update(image, after(0), box).Faces[0];
        tracker.Update(image, after(33), box);
        Face third = tracker.Update(image, after(66), box).Faces[0];
        Check(first.TrackId > 0 && first.TrackId == third.TrackId, "the same face has the same number");
        Check(first.TrackEstimates == 1 && third.TrackEstimates == 2, "estimates");
        Fails<FacePredictException>("time", "back from 66000 to 65000", () => tracker.Update(image, after(65), box), 2);
        tracker.Reset();
        Check(tracker.Update(image, after(1), box).Faces[0].TrackId > first.TrackId, "numbers are not used again");
        Check(tracker.Update(image, after(2)).Width == 96, "no options: search");
        Fails<ArgumentNullException>("null", "image", () => tracker.Update(null, after(3)));
        tracker.Dispose();
        tracker.Dispose();
        Fails<ObjectDisposedException>("disposed", "make a new one", () => tracker.Update(image, after(4)));
        Fails<ObjectDisposedException>("disposed", "make a new one", () => tracker.Reset());
    }

    private static void Batch()
    {
        byte[] rgb = File.ReadAllBytes(Folder + "pictures/face_rgb.raw");
        Image good = new Image(Format.Rgb, 96, 108, rgb), bad = new Image(Format.Rgba, 96, 108, rgb);
        List<Image> images = Enumerable.Range(0, 40).Select(i => i % 3 == 1 ? bad : good).ToList();
        images.Add(new Image(Format.Rgb, 0, 1, rgb));
        Options cropped = new Options { Cropped = true };
        Model model = new Model();
        IReadOnlyList<Answer> answers = model.PredictBatch(images, cropped, 2);
        float? right = model.Predict(good, cropped).Faces[0].Age;
        Check(answers.Count == 41, "an answer for each picture");
        for (int i = 0; i < 40; i++)
        {
            Answer answer = answers[i];
            Check(i % 3 == 1 ? answer.Error.Message.Contains("plane 0 has 31104") : answer.Prediction.Faces[0].Age == right, "batch: picture " + i);
        }
        Fails<FacePredictException>("batch: the error", "31104", () => answers[1].Prediction.ToString(), 4);
        Check(answers[40].Error.Message.Contains("0x1"), "batch: each has its message");
        Check(model.PredictBatch(new Image[0]).Count == 0, "no pictures");
        answers = model.PredictBatch(new[] { good, new Image(Format.Rgb, 96, 108, rgb) { Rotation = -90 }, good }, cropped);
        Check(answers[1].Error is ArgumentException && answers[1].Error.Message.Contains("rotation -90"), "batch: a picture that C cannot be given");
        Check(answers[0].Prediction.Faces[0].Age == right && answers[2].Prediction.Faces[0].Age == right, "batch: the pictures around it");
        foreach (Answer answer in model.PredictBatch(images, new Options { Regions = new Region[0] }, 2))
        {
            Check(answer.Error.Message.Contains("regions belong"), "batch with regions");
        }
        byte[] jpeg = File.ReadAllBytes(Folder + "pictures/face_exif6.jpg");
        Image encoded = Image.Encoded(jpeg);
        answers = model.PredictBatch(new[] { encoded, good, Image.Encoded(new byte[0]) }, cropped, 2);
        Check(answers[0].Prediction.Faces[0].Age == model.Predict(jpeg, cropped).Faces[0].Age, "encoded in a batch");
        Check(answers[0].Prediction.Height == 108 && answers[1].Error == null, "encoded: its Exif orientation");
        Check(answers[2].Error.Message.Contains("0 bytes are no JPEG"), "encoded: no bytes");
        using (Tracker tracker = new Tracker(model))
        {
            Options box = new Options { Regions = new[] { new Region(20, 22, 56, 73) } };
            Check(tracker.Update(encoded, TimeSpan.Zero, box).Faces[0].TrackId == 1, "encoded: a frame");
        }
        // In a bottom-up bitmap the first row lies last in memory, and the stride is negative.
        byte[] flipped = new byte[rgb.Length];
        for (int y = 0; y < 108; y++)
        {
            Array.Copy(rgb, y * 288, flipped, (107 - y) * 288, 288);
        }
        GCHandle pin = GCHandle.Alloc(flipped, GCHandleType.Pinned);
        IntPtr top = new IntPtr(pin.AddrOfPinnedObject().ToInt64() + 107 * 288);
        Check(Math.Abs(model.Predict(new Image(Format.Rgb, 96, 108, new Plane(top, rgb.Length, -288)), cropped).Faces[0].Age.Value - right.Value) < 0.01,
            "bottom-up, by its stride");
        pin.Free();
        Fails<FacePredictException>("no rows", "NULL", () => model.Predict(new Image(Format.Rgb, 96, 108, new Plane(IntPtr.Zero, rgb.Length, -288)), cropped), 1);
        Fails<FacePredictException>("no rows", "NULL", () => model.Predict(new Image(Format.Rgb, 96, 108, new Plane(top, 0, -288)), cropped), 1);
        Check(Math.Abs(model.Predict(new Image(Format.Rgb, 96, 108, flipped) { BottomUp = true }, cropped).Faces[0].Age.Value - right.Value) < 0.01, "bottom-up");
        Fails<ArgumentNullException>("null", "images", () => model.PredictBatch(new[] { good, null }));
        Check(model.PredictBatch(new[] { good }, cropped, 2000)[0].Error.Message.Contains("threads is 2000"), "threads");
        Fails<ArgumentOutOfRangeException>("threads", "-1", () => model.PredictBatch(images, cropped, -1));
        Check(model.PredictBatch(DisposedAt(35, model, good), cropped).All(answer => answer.Error == null), "a model that is disposed within a batch");
        Fails<ObjectDisposedException>("disposed", "load a new one", () => model.PredictBatch(images));
    }

    /// <summary>Gives pictures of more than one chunk, and disposes the model before one of the second chunk.</summary>
    private static IEnumerable<Image> DisposedAt(int index, Model model, Image image)
    {
        for (int i = 0; i < 40; i++)
        {
            if (i == index)
            {
                model.Dispose();
            }
            yield return image;
        }
    }

    /// <summary>Compares the structs with the header's, which tests/c/layout.c prints.</summary>
    private static void Layouts(string path)
    {
        Dictionary<string, string> names = new Dictionary<string, string>
        {
            { "region", "Region" }, { "point", "Point" }, { "image", "Native+Image" }, { "options", "Native+Options" }, { "face", "Native+Face" },
            { "model_options", "Native+ModelOptions" }, { "tracker_options", "Native+TrackerOptions" }, { "network", "Native+Network" },
        };
        Dictionary<string, string> fields = new Dictionary<string, string>
        {
            { "planes", "Plane0" }, { "strides", "Stride0" }, { "sizes", "Size0" }, { "landmarks", "LeftEye" },
        };
        int compared = 0;
        foreach (string[] words in File.ReadLines(path).Select(line => line.Split(' ')))
        {
            string[] parts = words[1].Split('.');
            string name;
            if (words[0] == "constant" || !names.TryGetValue(parts[0], out name))
            {
                continue;
            }
            Type type = typeof(Model).Assembly.GetType("FacePredict." + name);
            long found;
            if (words[0] == "size")
            {
                found = Marshal.SizeOf(type);
            }
            else
            {
                string field = fields.ContainsKey(parts[1]) ? fields[parts[1]] : string.Concat(parts[1].Split('_').Select(word => char.ToUpper(word[0]) + word.Substring(1)));
                // A face begins with the fields of its region.
                bool inRegion = parts[0] == "face" && typeof(Region).GetField(field) != null;
                found = (long)Marshal.OffsetOf(inRegion ? typeof(Region) : type, field);
            }
            Check(found == long.Parse(words[2]), string.Join(" ", words) + ": here " + found);
            compared++;
        }
        Check(compared > 60, "layouts: " + compared);
    }

    /// <summary>Prints that all is right, for callers that cannot trust the exit status, as under wine.</summary>
    private static int End()
    {
        Console.WriteLine(wrong == 0 ? "C#: good" : "C#: " + wrong + " wrong");
        return wrong == 0 ? 0 : 1;
    }

    private static int Main(string[] arguments)
    {
        if (arguments.Length > 0 && arguments[0] == "layout")
        {
            Layouts(arguments[1]);
            return End();
        }
        if (arguments.Length > 0)
        {
            try
            {
                new Model().Dispose();
            }
            catch (DllNotFoundException error)
            {
                Console.WriteLine("LINK " + error.Message);
            }
            return 0;
        }
        DisposedWhileRead();
        using (Model model = new Model())
        {
            Cases(model);
            Binding(model);
            Following();
            Batch();
        }
        return End();
    }

    /// <summary>A JSON reader for the tests.</summary>
    private sealed class Json
    {
        private readonly string text;
        private int at;

        internal Json(string text)
        {
            this.text = text;
        }

        private char Peek()
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }
            return at < text.Length ? text[at] : '\0';
        }

        private bool Ends(char end)
        {
            if (Peek() == ',')
            {
                at++;
            }
            if (Peek() != end)
            {
                return false;
            }
            at++;
            return true;
        }

        internal object Value()
        {
            char c = Peek();
            if (c == '{')
            {
                Dictionary<string, object> map = new Dictionary<string, object>();
                for (at++; !Ends('}');)
                {
                    string key = (string)Value();
                    if (Peek() != ':')
                    {
                        throw new FormatException("':' is missing at " + at);
                    }
                    at++;
                    map[key] = Value();
                }
                return map;
            }
            if (c == '[')
            {
                List<object> list = new List<object>();
                for (at++; !Ends(']');)
                {
                    list.Add(Value());
                }
                return list;
            }
            if (c == '"')
            {
                StringBuilder result = new StringBuilder();
                for (at++; text[at] != '"'; at++)
                {
                    at += text[at] == '\\' ? 1 : 0;
                    result.Append(text[at]);
                }
                at++;
                return result.ToString();
            }
            int start = at;
            while (at < text.Length && ",]} \n".IndexOf(text[at]) < 0)
            {
                at++;
            }
            string word = text.Substring(start, at - start);
            return word == "null" ? null : word == "true" ? true : word == "false" ? false : (object)double.Parse(word, CultureInfo.InvariantCulture);
        }
    }
}
